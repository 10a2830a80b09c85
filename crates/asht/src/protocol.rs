//! The protocol of lines: one JSON object in, one out. `docs/asht-protocol.md` is its specification.

use serde_json::{Map, Value as Json, json};

use crate::bandit::Arm;
use crate::error::AshtError;
use crate::history::PastStudy;
use crate::space::{Domain, Param, Point, Space, Value};
use crate::study::{Asked, Best, Event, Settings, Study};
use crate::trial::Told;

/// The most trials one request may ask for.
const ASK_MAX: u64 = 1024;

/// What the driver is to do with an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Write this line and read on.
    Line(String),
    /// End the process.
    Close,
}

/// One conversation: no study until `init`.
#[derive(Debug, Default)]
pub struct Session {
    study: Option<Study>,
}

impl Session {
    /// A conversation before its `init`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers a line. Bad requests give an `error` answer and change nothing.
    pub fn answer(&mut self, line: &str) -> Reply {
        match self.dispatch(line) {
            Ok(Some(answer)) => Reply::Line(answer.to_string()),
            Ok(None) => Reply::Close,
            Err(error) => Reply::Line(json!({ "error": error.to_string() }).to_string()),
        }
    }

    fn dispatch(&mut self, line: &str) -> Result<Option<Json>, AshtError> {
        let request = object(line)?;
        let op = request.get("op").and_then(Json::as_str).unwrap_or("");
        if op == "close" {
            return Ok(None);
        }
        if op == "init" {
            self.study = Some(init(&request)?);
            return Ok(Some(json!({ "ok": true })));
        }
        let study = self
            .study
            .as_mut()
            .ok_or_else(|| self::request("no study yet; send `init` first"))?;
        let answer = match op {
            "ask" => ask(study, &request)?,
            "tell" => tell(study, &request)?,
            "report" => {
                let (step, value) = (number(&request, "step")?, number(&request, "value")?);
                json!({ "prune": study.report(id(&request)?, step, value)? })
            }
            "best" => best(study),
            "status" => status(study),
            other => {
                let known = "init, ask, tell, report, best, status or close";
                return Err(self::request(format!("`op` is `{other}`; it must be {known}")));
            }
        };
        Ok(Some(answer))
    }
}

fn request(reason: impl Into<String>) -> AshtError {
    AshtError::Request(reason.into())
}

pub(crate) type Object = Map<String, Json>;

/// A line as a JSON object.
pub(crate) fn object(line: &str) -> Result<Object, AshtError> {
    match serde_json::from_str(line) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(_) => Err(request("is not a JSON object")),
        Err(e) => Err(request(format!("is not JSON: {e}"))),
    }
}

fn init(request: &Object) -> Result<Study, AshtError> {
    let (params, settings) = init_parts(request)?;
    Study::new(Space::new(params)?, settings)
}

/// Parameters and settings of an `init`.
pub(crate) fn init_parts(request: &Object) -> Result<(Vec<Param>, Settings), AshtError> {
    let space = params(request.get("space"))?;
    let mut settings = Settings {
        objectives: count(request, "objectives")?.unwrap_or(1) as usize,
        constraints: count(request, "constraints")?.unwrap_or(0) as usize,
        seed: count(request, "seed")?.unwrap_or(0),
        budget: count(request, "budget")?.map(|budget| budget as usize),
        seconds_max: optional(request, "seconds_max")?,
        bytes_max: optional(request, "bytes_max")?,
        tolerance: optional(request, "tolerance")?.unwrap_or(0.0),
        ..Settings::default()
    };
    if let Some(fidelity) = request.get("fidelity").filter(|f| !f.is_null()) {
        settings.rungs = numbers(fidelity.get("rungs"), "rungs")?;
    }
    for arm in texts(request.get("arms")).unwrap_or_default() {
        let named = Arm::ALL
            .iter()
            .chain(&Arm::SEVERAL)
            .find(|known| known.name() == arm);
        let named = named.ok_or_else(|| self::request(format!("`arms` holds `{arm}`, which is no arm")))?;
        settings.arms.push(*named);
    }
    for past in list(request.get("history"), "history")? {
        settings.history.push(past_study(past)?);
    }
    Ok((space, settings))
}

fn params(space: Option<&Json>) -> Result<Vec<Param>, AshtError> {
    if space.is_none() {
        return Err(request("`space` is missing; give a list of parameters"));
    }
    list(space, "space")?.iter().map(param).collect()
}

fn param(json: &Json) -> Result<Param, AshtError> {
    let name = json.get("name").and_then(Json::as_str);
    let name = name.ok_or_else(|| request("a parameter of `space` has no `name`"))?;
    let bad = |reason: &str| AshtError::parameter(name, reason);
    let log = match json.get("log") {
        None | Some(Json::Null) => false,
        Some(log) => log
            .as_bool()
            .ok_or_else(|| bad("has a `log` that is not true or false"))?,
    };
    let bound = |field: &str| json.get(field).and_then(Json::as_f64);
    let domain = match json.get("type").and_then(Json::as_str) {
        Some("float") => {
            let (low, high) = bound("low")
                .zip(bound("high"))
                .ok_or_else(|| bad("needs numbers `low` and `high`"))?;
            Domain::Float { low, high, log }
        }
        Some("int") => {
            let whole = |field: &str| {
                bound(field)
                    .filter(|v| v.fract() == 0.0 && v.abs() < 9e15)
                    .map(|v| v as i64)
            };
            let (low, high) = whole("low")
                .zip(whole("high"))
                .ok_or_else(|| bad("needs whole numbers `low` and `high`"))?;
            Domain::Int { low, high, log }
        }
        Some("categorical") => Domain::Categorical {
            choices: texts(json.get("choices")).ok_or_else(|| bad("needs a list of texts `choices`"))?,
        },
        _ => return Err(bad("needs a `type`: float, int or categorical")),
    };
    let mut param = Param {
        name: name.to_owned(),
        domain,
        condition: None,
    };
    if let Some(condition) = json.get("condition").filter(|c| !c.is_null()) {
        let parent = condition.get("param").and_then(Json::as_str);
        let one_of = texts(condition.get("in"));
        let (parent, one_of) = parent
            .zip(one_of)
            .ok_or_else(|| bad("needs a `condition` with a text `param` and a list of texts `in`"))?;
        let one_of: Vec<&str> = one_of.iter().map(String::as_str).collect();
        param = param.when(parent, &one_of);
    }
    Ok(param)
}

fn texts(json: Option<&Json>) -> Option<Vec<String>> {
    json?
        .as_array()?
        .iter()
        .map(|v| Some(v.as_str()?.to_owned()))
        .collect()
}

fn list<'a>(json: Option<&'a Json>, field: &str) -> Result<&'a [Json], AshtError> {
    match json {
        None | Some(Json::Null) => Ok(&[]),
        Some(Json::Array(items)) => Ok(items),
        Some(_) => Err(request(format!("`{field}` must be a list"))),
    }
}

fn numbers(json: Option<&Json>, field: &str) -> Result<Vec<f64>, AshtError> {
    let items = list(json, field)?;
    let number = |v: &Json| {
        v.as_f64()
            .ok_or_else(|| request(format!("`{field}` must hold numbers")))
    };
    items.iter().map(number).collect()
}

fn number(request: &Object, field: &str) -> Result<f64, AshtError> {
    optional(request, field)?.ok_or_else(|| self::request(format!("`{field}` is missing; give a number")))
}

fn optional(request: &Object, field: &str) -> Result<Option<f64>, AshtError> {
    match request.get(field) {
        None | Some(Json::Null) => Ok(None),
        Some(v) => match v.as_f64() {
            Some(v) => Ok(Some(v)),
            None => Err(self::request(format!("`{field}` must be a number"))),
        },
    }
}

fn count(request: &Object, field: &str) -> Result<Option<u64>, AshtError> {
    match request.get(field) {
        None | Some(Json::Null) => Ok(None),
        Some(v) => match v.as_u64() {
            Some(v) => Ok(Some(v)),
            None => Err(self::request(format!(
                "`{field}` must be a whole number, not below 0"
            ))),
        },
    }
}

fn flag(request: &Object, field: &str) -> Result<bool, AshtError> {
    match request.get(field) {
        None | Some(Json::Null) => Ok(false),
        Some(v) => v
            .as_bool()
            .ok_or_else(|| self::request(format!("`{field}` must be true or false"))),
    }
}

fn id(request: &Object) -> Result<u64, AshtError> {
    count(request, "id")?.ok_or_else(|| self::request("`id` is missing; give the number that `ask` gave"))
}

fn past_study(json: &Json) -> Result<PastStudy, AshtError> {
    let mut study = PastStudy::default();
    for trial in list(json.get("trials"), "trials")? {
        let value = trial.get("values").and_then(|v| v.get(0)).and_then(Json::as_f64);
        if let (Some(params), Some(value)) = (trial.get("params"), value) {
            study.trials.push((point(params)?, value));
        }
    }
    Ok(study)
}

pub(crate) fn point(json: &Json) -> Result<Point, AshtError> {
    let Json::Object(fields) = json else {
        return Err(request("`params` must be an object"));
    };
    let value = |name: &str, v: &Json| match v {
        Json::String(text) => Ok(Value::Choice(text.clone())),
        Json::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(n), _) => Ok(Value::Int(n)),
            (None, Some(v)) => Ok(Value::Float(v)),
            (None, None) => Err(AshtError::parameter(name, "has a number that is too large")),
        },
        _ => Err(AshtError::parameter(name, "must be a number or a text")),
    };
    fields
        .iter()
        .map(|(name, v)| Ok((name.clone(), value(name, v)?)))
        .collect()
}

pub(crate) fn point_json(point: &Point) -> Json {
    let value = |v: &Value| match v {
        Value::Float(v) => json!(v),
        Value::Int(v) => json!(v),
        Value::Choice(v) => json!(v),
    };
    Json::Object(point.iter().map(|(name, v)| (name.clone(), value(v))).collect())
}

fn ask(study: &mut Study, request: &Object) -> Result<Json, AshtError> {
    let json = |asked: &Asked| {
        let mut answer = json!({ "id": asked.id, "params": point_json(&asked.point) });
        if let Some(from) = asked.thaws {
            answer["thaws"] = json!(from);
        }
        answer
    };
    match count(request, "n")? {
        None => Ok(json(&study.ask())),
        Some(n) if (1..=ASK_MAX).contains(&n) => {
            let trials: Vec<Json> = (0..n).map(|_| json(&study.ask())).collect();
            Ok(json!({ "trials": trials }))
        }
        Some(_) => Err(self::request(format!("`n` must be 1 to {ASK_MAX}"))),
    }
}

fn tell(study: &mut Study, request: &Object) -> Result<Json, AshtError> {
    match tell_event(request)? {
        Event::TellPoint(point, told) => {
            let id = study.tell_point(&point, told)?;
            Ok(json!({ "ok": true, "id": id }))
        }
        Event::Tell(id, told) => {
            study.tell(id, told)?;
            Ok(json!({ "ok": true }))
        }
        Event::Ask | Event::Report(..) => unreachable!("a tell"),
    }
}

/// What a `tell` says.
pub(crate) fn tell_event(request: &Object) -> Result<Event, AshtError> {
    let told = Told {
        values: numbers(request.get("values"), "values")?,
        constraints: numbers(request.get("constraints"), "constraints")?,
        failed: flag(request, "failed")?,
        pruned: flag(request, "pruned")?,
        seconds: optional(request, "seconds")?,
        bytes: optional(request, "bytes")?,
    };
    match (request.get("id"), request.get("params")) {
        (None, Some(params)) => Ok(Event::TellPoint(point(params)?, told)),
        _ => Ok(Event::Tell(id(request)?, told)),
    }
}

/// What a `report` says.
pub(crate) fn report_event(request: &Object) -> Result<Event, AshtError> {
    let (step, value) = (number(request, "step")?, number(request, "value")?);
    Ok(Event::Report(id(request)?, step, value))
}

fn best(study: &Study) -> Json {
    let json =
        |best: &Best| json!({ "id": best.id, "params": point_json(&best.point), "values": best.values });
    if study.objectives() > 1 {
        let front: Vec<Json> = study.front().iter().map(json).collect();
        return json!({ "front": front });
    }
    match study.best() {
        Some(best) => json(&best),
        None => json!({ "id": null, "params": null, "values": null }),
    }
}

fn status(study: &Study) -> Json {
    let status = study.status();
    let outlook = status.outlook;
    let arms: Vec<Json> = status
        .arms
        .iter()
        .map(|a| json!({ "arm": a.arm.name(), "best": a.best, "pulls": a.pulls, "index": a.index, "cost": a.cost }))
        .collect();
    let families: Vec<Json> = status
        .families
        .iter()
        .map(|(name, f)| json!({ "family": name, "trials": f.trials, "alive": f.alive }))
        .collect();
    let lengths: Object = status
        .lengths
        .iter()
        .map(|(name, l)| (name.clone(), json!(l)))
        .collect();
    json!({
        "trials": status.trials, "open": status.open, "converged": status.converged, "exhausted": status.exhausted,
        "expected_gain": outlook.map(|o| o.gain), "gain_chance": outlook.map(|o| o.chance),
        "gain_high": outlook.map(|o| o.gain_high), "noise": status.noise, "trust_side": status.trust_side, "alpha": status.alpha,
        "arms": arms, "families": families, "cost_cooling": status.cost_cooling, "warp": status.warp,
        "lengths": lengths, "history_weights": status.history_weights,
    })
}
