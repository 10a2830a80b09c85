//! The log of a study: lines that make it again, and that teach later studies.
//!
//! A log is the conversation of the protocol, one request a line: `init`, then every `ask`, `tell` and `report` in order. So
//! `kolosal asht --stdio < log` is the study again, any tool that reads JSON lines reads it, and a log that grew to its last
//! whole line before a crash is complete up to there. An `ask` carries the point it was answered with, which the protocol
//! ignores: what a study found is read without making it again.

use serde_json::{Map, Value as Json, json};

use crate::error::AshtError;
use crate::history::PastStudy;
use crate::protocol::{self, point_json};
use crate::space::{Condition, Domain, Param, Point, Space};
use crate::study::{Event, Settings, Study};
use crate::trial::Told;

/// What happened in a study, apart from the study.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyLog {
    /// The parameters.
    pub space: Vec<Param>,
    /// What the study was about.
    pub settings: Settings,
    /// All that happened, in order.
    pub events: Vec<Event>,
    /// The point of each `ask`, in order.
    pub asked: Vec<Point>,
}

impl Study {
    /// The log up to now.
    pub fn log(&self) -> StudyLog {
        StudyLog {
            space: self.space().params().to_vec(),
            settings: self.settings.clone(),
            events: self.events().to_vec(),
            asked: self.asked_points(),
        }
    }
}

impl StudyLog {
    /// The study again, to go on as if never interrupted.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn resume(&self) -> Result<Study, AshtError> {
        Study::replay(
            Space::new(self.space.clone())?,
            self.settings.clone(),
            &self.events,
        )
    }

    /// What later studies learn from: points and first values of all trials that ran to their end.
    pub fn past(&self) -> PastStudy {
        let mut asked = self.asked.iter();
        let mut points: Vec<Option<&Point>> = Vec::new();
        let mut trials = Vec::new();
        for event in &self.events {
            let (point, told) = match event {
                Event::Ask => {
                    points.push(asked.next());
                    continue;
                }
                Event::Report(..) => continue,
                Event::Tell(id, told) => (points.get(*id as usize).copied().flatten(), told),
                Event::TellPoint(point, told) => {
                    points.push(Some(point));
                    (Some(point), told)
                }
            };
            let value = told.values.first().filter(|_| !told.failed && !told.pruned);
            trials.extend(point.zip(value).map(|(point, value)| (point.clone(), *value)));
        }
        PastStudy { trials }
    }

    /// The log as text, one request of the protocol a line.
    pub fn to_lines(&self) -> String {
        let mut lines = vec![init_json(&self.space, &self.settings).to_string()];
        let mut asked = self.asked.iter();
        lines.extend(
            self.events
                .iter()
                .map(|event| event_json(event, &mut asked).to_string()),
        );
        lines.push(String::new());
        lines.join("\n")
    }

    /// A log from its text. A last line that was cut off is left out.
    ///
    /// # Errors
    /// Names the line that is not of a log.
    pub fn from_lines(text: &str) -> Result<Self, AshtError> {
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        let mut log: Option<Self> = None;
        for (number, line) in whole.lines().enumerate() {
            let at = |e: AshtError| AshtError::Request(format!("line {} of the log: {e}", number + 1));
            let request = protocol::object(line).map_err(at)?;
            match &mut log {
                None => {
                    let (space, settings) = protocol::init_parts(&request).map_err(at)?;
                    log = Some(Self {
                        space,
                        settings,
                        events: Vec::new(),
                        asked: Vec::new(),
                    });
                }
                Some(log) => log.push(&request).map_err(at)?,
            }
        }
        log.ok_or_else(|| AshtError::Request("a log needs a first line that ends, an `init`".to_owned()))
    }

    fn push(&mut self, request: &Map<String, Json>) -> Result<(), AshtError> {
        let event = match request.get("op").and_then(Json::as_str) {
            Some("ask") => {
                self.asked
                    .push(protocol::point(request.get("params").unwrap_or(&Json::Null))?);
                Event::Ask
            }
            Some("tell") => protocol::tell_event(request)?,
            Some("report") => protocol::report_event(request)?,
            _ => return Err(AshtError::Request("is no ask, tell or report".to_owned())),
        };
        self.events.push(event);
        Ok(())
    }
}

fn init_json(space: &[Param], settings: &Settings) -> Json {
    let history: Vec<Json> = settings.history.iter().map(past_json).collect();
    let arms: Vec<&str> = settings.arms.iter().map(|arm| arm.name()).collect();
    let mut init = json!({
        "op": "init", "space": space.iter().map(param_json).collect::<Vec<Json>>(), "objectives": settings.objectives,
        "constraints": settings.constraints, "seed": settings.seed, "tolerance": settings.tolerance,
    });
    let mut add = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            init[name] = value;
        }
    };
    add("budget", settings.budget.map(|v| json!(v)));
    add("seconds_max", settings.seconds_max.map(|v| json!(v)));
    add("bytes_max", settings.bytes_max.map(|v| json!(v)));
    let has_rungs = !settings.rungs.is_empty();
    add(
        "fidelity",
        has_rungs.then(|| json!({ "name": "step", "rungs": settings.rungs })),
    );
    add("arms", (!arms.is_empty()).then(|| json!(arms)));
    add("history", (!history.is_empty()).then(|| json!(history)));
    init
}

fn past_json(past: &PastStudy) -> Json {
    let trial = |(point, value): &(Point, f64)| json!({ "params": point_json(point), "values": [value] });
    json!({ "trials": past.trials.iter().map(trial).collect::<Vec<Json>>() })
}

fn param_json(param: &Param) -> Json {
    let name = &param.name;
    let mut json = match &param.domain {
        Domain::Float { low, high, log } => {
            json!({ "name": name, "type": "float", "low": low, "high": high, "log": log })
        }
        Domain::Int { low, high, log } => {
            json!({ "name": name, "type": "int", "low": low, "high": high, "log": log })
        }
        Domain::Categorical { choices } => json!({ "name": name, "type": "categorical", "choices": choices }),
    };
    if let Some(Condition { param, one_of }) = &param.condition {
        json["condition"] = json!({ "param": param, "in": one_of });
    }
    json
}

fn event_json<'a>(event: &Event, asked: &mut impl Iterator<Item = &'a Point>) -> Json {
    match event {
        Event::Ask => {
            let params = asked.next().map(point_json);
            json!({ "op": "ask", "params": params })
        }
        Event::Report(id, step, value) => json!({ "op": "report", "id": id, "step": step, "value": value }),
        Event::Tell(id, told) => told_json(json!({ "op": "tell", "id": id }), told),
        Event::TellPoint(point, told) => {
            told_json(json!({ "op": "tell", "params": point_json(point) }), told)
        }
    }
}

fn told_json(mut json: Json, told: &Told) -> Json {
    json["values"] = json!(told.values);
    let mut add = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            json[name] = value;
        }
    };
    add(
        "constraints",
        (!told.constraints.is_empty()).then(|| json!(told.constraints)),
    );
    add("failed", told.failed.then_some(json!(true)));
    add("pruned", told.pruned.then_some(json!(true)));
    add("seconds", told.seconds.map(|v| json!(v)));
    add("bytes", told.bytes.map(|v| json!(v)));
    json
}
