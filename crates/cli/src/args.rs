//! What can be typed: commands, options, their help and examples.

mod store;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use store::{
    AuditArgs, AuditWhat, FindArgs, ModelsArgs, ModelsWhat, RunsArgs, RunsWhat, ServeArgs, StoreArgs,
    TokensArgs, TokensWhat,
};

/// From a table to a trained, explained and used model.
#[derive(Debug, Parser)]
#[command(name = "kolosal", version, max_term_width = 110, propagate_version = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  kolosal train customers.csv --target churned
  kolosal predict model.kolosal new.csv --output answers.csv
  kolosal leaderboard model.kolosal

Exit codes: 0 done, 1 internal failure, 2 wrong usage, 3 no such file or name, 4 unfit data, 5 a limit was reached
before any model was ready, 6 conflict, 130 interrupted (a model that was ready is kept).";

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print no progress and no notes
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Threads that run at once [default: all the process may use]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Memory that may be used, such as 8GiB or 500MB [default: nine tenths of what is free]
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) memory_limit: Option<u64>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Learn to predict a column of a table: try many models, blend the best, write one file
    Train(Box<TrainArgs>),
    /// Fit exactly one learner with given parameters, without a search
    Fit(Box<FitArgs>),
    /// Answer every row of a table with a model
    Predict(PredictArgs),
    /// Group the rows of a table that has no target
    Cluster(Box<ClusterArgs>),
    /// Say how much each column moves a model's answers
    Explain(ExplainArgs),
    /// Write a single booster for XGBoost or LightGBM
    Export(ExportArgs),
    /// Judge a model by a table with known answers
    Evaluate(EvaluateArgs),
    /// Show what was tried for a model, best first
    Leaderboard(LeaderboardArgs),
    /// Describe a table or a model: columns, types with their reasons, values
    Inspect(InspectArgs),
    /// Look at trainings that were tracked: list, show, compare
    Runs(RunsArgs),
    /// Look after registered models: list, register, promote, roll back, retire
    Models(ModelsArgs),
    /// Serve runs, models and predictions over HTTP; mlflow clients work unchanged
    Serve(ServeArgs),
    /// Make, list and revoke the tokens that open a server
    Tokens(TokensArgs),
    /// Look at who changed what, and verify that nothing was taken out of it
    Audit(AuditArgs),
    /// List the learners, or one with its parameters
    Learners(LearnersArgs),
    /// Check that this machine is fit for the work
    #[command(after_help = "Example:\n  kolosal doctor")]
    Doctor,
    /// Search hyperparameters for another program, over the ask/tell protocol
    Asht(AshtArgs),
    /// Measure parts of the program
    Bench(BenchArgs),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  kolosal completions bash > ~/.local/share/bash-completion/completions/kolosal"
    )]
    Completions(CompletionsArgs),
}

/// The question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskArg {
    /// Whatever fits the target
    Auto,
    /// Two classes
    Binary,
    /// Several classes
    Multiclass,
    /// A number
    Regression,
}

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PresetArg {
    /// A few candidates: an answer in seconds
    Fast,
    /// Each family in several shapes
    Balanced,
    /// The whole portfolio, with larger models
    Best,
}

/// Options of `train`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kolosal train customers.csv --target churned
  kolosal train prices.parquet --target price --time-limit 5m --test prices-2026.parquet
  kolosal train visits.csv --target returned --group patient --metric log_loss --column-type zip=categorical")]
pub(crate) struct TrainArgs {
    /// The table: CSV, TSV, Parquet, Arrow or JSON lines, plain or compressed
    pub(crate) data: PathBuf,
    /// The column to predict
    #[arg(long, short, value_name = "COLUMN")]
    pub(crate) target: String,
    /// A second table to judge the finished model by
    #[arg(long, value_name = "FILE")]
    pub(crate) test: Option<PathBuf>,
    /// The question
    #[arg(long, value_enum, default_value_t = TaskArg::Auto)]
    pub(crate) task: TaskArg,
    /// What to improve, such as auc, log_loss, f1, rmse [default: auc, log_loss or rmse by task]
    #[arg(long, value_name = "NAME")]
    pub(crate) metric: Option<String>,
    /// How much to try
    #[arg(long, value_enum, default_value_t = PresetArg::Balanced)]
    pub(crate) preset: PresetArg,
    /// Learners to choose from, separated by commas [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) learners: Vec<String>,
    /// Time for everything, reading included, such as 60s or 5m [default: none]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) time_limit: Option<Duration>,
    /// Work for everything, in units that are the same on every machine [default: none]
    #[arg(long, value_name = "UNITS")]
    pub(crate) work_limit: Option<u64>,
    /// Where all randomness comes from
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Rows with equal values in this column are held out together
    #[arg(long, value_name = "COLUMN", conflicts_with = "time_column")]
    pub(crate) group: Option<String>,
    /// Held-out rows come after training rows by this column
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time_column: Option<String>,
    /// How much each row counts
    #[arg(long, value_name = "COLUMN")]
    pub(crate) weight: Option<String>,
    /// Columns not to learn from, separated by commas
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub(crate) ignore: Vec<String>,
    /// Columns along which answers never fall (+1) or never rise (-1), separated by commas, such as age=+1,debt=-1
    #[arg(long, value_name = "COLUMN=DIRECTION", value_delimiter = ',', value_parser = parse_direction)]
    pub(crate) monotone: Vec<(String, i8)>,
    /// Columns that may act together, separated by commas; may be repeated. Columns of no set then act alone
    #[arg(long, value_name = "COLUMNS")]
    pub(crate) interactions: Vec<String>,
    /// The type of a column: numeric, integer, boolean, categorical, datetime, text or identifier; may be repeated
    #[arg(long, value_name = "COLUMN=TYPE", value_parser = parse_pair)]
    pub(crate) column_type: Vec<(String, String)>,
    /// Treat warnings about the data as errors
    #[arg(long)]
    pub(crate) strict: bool,
    /// Most bytes of the model, such as 20MB [default: 20MB where it costs little, no limit with --preset best]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) size_limit: Option<u64>,
    /// Most time for one row through the model, in process, such as 100us [default: none]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) latency_limit: Option<Duration>,
    /// Fail unless an interrupted training with the same data and options is there to go on with
    #[arg(long)]
    pub(crate) resume: bool,
    /// The experiment in which the training is noted
    #[arg(long, value_name = "NAME", default_value = "Default")]
    pub(crate) experiment: String,
    /// Do not note this training in the store
    #[arg(long)]
    pub(crate) no_tracking: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Where to write the model
    #[arg(long, short, value_name = "FILE", default_value = "model.kolosal")]
    pub(crate) output: PathBuf,
}

/// Options of `fit`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kolosal fit random_forest customers.csv --target churned --set n_estimators=300 --valid later.csv
  kolosal fit ridge prices.csv --target price --set alpha=0.5 --output ridge.kolosal
  kolosal fit isolation payments.csv --ignore payment_id --set contamination=0.01 --output strange.kolosal")]
pub(crate) struct FitArgs {
    /// The learner; `kolosal learners` lists them
    pub(crate) learner: String,
    /// The table
    pub(crate) data: PathBuf,
    /// The column to predict; left out for learners of groups and of strange rows
    #[arg(long, short, value_name = "COLUMN")]
    pub(crate) target: Option<String>,
    /// A column that must not count, for learners without a target; may be repeated
    #[arg(long, value_name = "COLUMN")]
    pub(crate) ignore: Vec<String>,
    /// A parameter; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub(crate) set: Vec<(String, String)>,
    /// A table to judge the model by
    #[arg(long, value_name = "FILE")]
    pub(crate) valid: Option<PathBuf>,
    /// A table that the learner may judge itself by while it learns, to stop early
    #[arg(long, value_name = "FILE")]
    pub(crate) holdout: Option<PathBuf>,
    /// The question
    #[arg(long, value_enum, default_value_t = TaskArg::Auto)]
    pub(crate) task: TaskArg,
    /// Where all randomness comes from
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// How much each row counts
    #[arg(long, value_name = "COLUMN")]
    pub(crate) weight: Option<String>,
    /// The type of a column; may be repeated
    #[arg(long, value_name = "COLUMN=TYPE", value_parser = parse_pair)]
    pub(crate) column_type: Vec<(String, String)>,
    /// Where to write the model [default: nowhere]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Options of `predict`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kolosal predict model.kolosal new.csv --output answers.csv
  kolosal predict model.kolosal new.parquet --output answers.parquet

The answers have the column `prediction`, and for classes one column `proba_<class>` each, in the order of the rows. A model
of groups gives the group's number or `noise` and the column `strength`, one of strange rows `usual` or `strange` and the
column `score`.")]
pub(crate) struct PredictArgs {
    /// The model
    pub(crate) model: PathBuf,
    /// The table; columns the model does not know are ignored
    pub(crate) data: PathBuf,
    /// Where to write the answers: .csv, .parquet, .arrow or .jsonl
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Add columns that hold the truth in this share of rows, 0.9 say: lower and upper for numbers, set for classes
    #[arg(long, value_name = "SHARE")]
    pub(crate) coverage: Option<f64>,
}

/// How rows are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlgorithmArg {
    /// Around centres
    Kmeans,
    /// In dense places; rows elsewhere are noise
    Dbscan,
    /// In places that are dense for their surroundings; rows elsewhere are noise
    Hdbscan,
    /// By a tree of mergers
    Hierarchical,
    /// By the bell curve that most likely gave each row
    #[value(alias = "gmm")]
    GaussianMixture,
}

/// How far groups are from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LinkageArg {
    /// By what their merger adds to the squared distances to centres
    Ward,
    /// As far as their farthest rows
    Complete,
    /// The mean over all pairs of rows
    Average,
    /// As near as their nearest rows
    Single,
}

/// Options of `cluster`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kolosal cluster customers.csv --ignore customer_id
  kolosal cluster customers.csv --algorithm hierarchical --linkage average -k 4 --output groups.csv
  kolosal cluster places.csv --algorithm dbscan --eps 0.3 --json
  kolosal cluster customers.csv -k 4 --model groups.kolosal

Numbers are brought to a common scale; a category is as far from any other as one standard deviation. The answers have the
column `cluster`, in the order of the rows.")]
pub(crate) struct ClusterArgs {
    /// The table
    pub(crate) data: PathBuf,
    /// How rows are grouped
    #[arg(long, value_enum, default_value_t = AlgorithmArg::Kmeans)]
    pub(crate) algorithm: AlgorithmArg,
    /// How many groups, for kmeans, hierarchical and gaussian-mixture [default: chosen up to 10]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) k: Option<u32>,
    /// How near rows are near, for dbscan [default: chosen from the distances]
    #[arg(long, value_name = "DISTANCE", value_parser = parse_distance)]
    pub(crate) eps: Option<f64>,
    /// Rows within eps that make a place dense, for dbscan and hdbscan [default: 5]
    #[arg(long, value_name = "N")]
    pub(crate) min_samples: Option<usize>,
    /// How far groups are from each other, for hierarchical [default: ward]
    #[arg(long, value_enum)]
    pub(crate) linkage: Option<LinkageArg>,
    /// Any parameter of the learner, as `kolosal learners NAME` lists them; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub(crate) set: Vec<(String, String)>,
    /// A column that must not count; may be repeated
    #[arg(long, value_name = "COLUMN")]
    pub(crate) ignore: Vec<String>,
    /// A column of known groups to compare with; it does not count
    #[arg(long, value_name = "COLUMN")]
    pub(crate) compare: Option<String>,
    /// The seed
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// The type of a column; may be repeated
    #[arg(long, value_name = "COLUMN=TYPE", value_parser = parse_pair)]
    pub(crate) column_type: Vec<(String, String)>,
    /// Where to write the group of each row [default: nowhere]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Where to write the model that finds the group of further rows with `predict` [default: nowhere]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
}

/// Options of `explain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kolosal explain model.kolosal customers.csv
  kolosal explain model.kolosal customers.csv --rows 20 --json
  kolosal explain model.kolosal customers.csv --output values.csv

Each row gets a base and one value a column, which add up to what is explained: the score of a linear model or booster, else the
answer itself. A column that is absent takes the values of background rows, which are drawn from the table.")]
pub(crate) struct ExplainArgs {
    /// The model
    pub(crate) model: PathBuf,
    /// The table
    pub(crate) data: PathBuf,
    /// Rows that are explained, at most: the first ones
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rows: u32,
    /// Rows that they are compared with, at most
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) background: u32,
    /// Where all randomness comes from
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Where to write the values of each row: .csv, .parquet, .arrow or .jsonl [default: nowhere]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// A format of another library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormatArg {
    /// XGBoost's JSON
    Xgboost,
    /// XGBoost's binary JSON
    XgboostUbj,
    /// LightGBM's text
    Lightgbm,
}

/// Options of `export`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  kolosal fit lightgbm customers.csv --target churned --output model.kolosal
  kolosal export model.kolosal --format lightgbm --output model.txt

The model must be one booster on the columns of its table. Classes become their positions, which are printed.")]
pub(crate) struct ExportArgs {
    /// The model
    pub(crate) model: PathBuf,
    /// The format
    #[arg(long, value_enum)]
    pub(crate) format: ExportFormatArg,
    /// Where to write it
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// Options of `evaluate`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kolosal evaluate model.kolosal later.csv")]
pub(crate) struct EvaluateArgs {
    /// The model
    pub(crate) model: PathBuf,
    /// A table with the target column
    pub(crate) data: PathBuf,
}

/// Options of `leaderboard`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kolosal leaderboard model.kolosal")]
pub(crate) struct LeaderboardArgs {
    /// The model
    pub(crate) model: PathBuf,
}

/// Options of `inspect`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kolosal inspect customers.csv\n  kolosal inspect model.kolosal --json")]
pub(crate) struct InspectArgs {
    /// A table or a model
    pub(crate) file: PathBuf,
    /// The type of a column; may be repeated
    #[arg(long, value_name = "COLUMN=TYPE", value_parser = parse_pair)]
    pub(crate) column_type: Vec<(String, String)>,
}

/// Options of `learners`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kolosal learners\n  kolosal learners random_forest")]
pub(crate) struct LearnersArgs {
    /// A learner's name or alias
    pub(crate) name: Option<String>,
    /// Print the page of the documentation
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
}

/// Options of `asht`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  echo '{\"op\":\"init\",\"space\":[{\"name\":\"x\",\"type\":\"float\",\"low\":0,\"high\":1}]}' | kolosal asht --stdio"
)]
pub(crate) struct AshtArgs {
    /// Read requests from standard input, a JSON object a line, and answer on standard output (docs/asht-protocol.md)
    #[arg(long, required = true)]
    pub(crate) stdio: bool,
}

/// Options of `bench`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kolosal bench read customers.csv --json")]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) what: BenchWhat,
}

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchWhat {
    /// Read a table into memory, types inferred, and say how long that took
    Read {
        /// The table
        data: PathBuf,
    },
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

fn parse_direction(text: &str) -> Result<(String, i8), String> {
    let (name, direction) = parse_pair(text)?;
    match direction.as_str() {
        "1" | "+1" | "+" | "up" => Ok((name, 1)),
        "-1" | "-" | "down" => Ok((name, -1)),
        _ => Err(format!("'{direction}' is no direction: write +1 or -1")),
    }
}

fn parse_distance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(distance) if distance.is_finite() && distance >= 0.0 => Ok(distance),
        _ => Err("a distance is a number that is not negative".to_owned()),
    }
}

fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = split_unit(text);
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err("write it like 8GiB, 500MB or 1000000".to_owned()),
    };
    match number.parse::<f64>() {
        Ok(number) if number > 0.0 && number * factor < 1e18 => Ok((number * factor) as u64),
        _ => Err("write it like 8GiB, 500MB or 1000000".to_owned()),
    }
}

fn parse_time(text: &str) -> Result<Duration, String> {
    let hint = || "write it like 60s, 5m, 1h30m, 100us or 90".to_owned();
    let (mut rest, mut seconds) = (text.trim(), 0.0);
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().map_err(|_| hint())?;
        let letters = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |at| digits + at);
        let factor = match rest[digits..letters].trim() {
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "" | "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return Err(hint()),
        };
        seconds += number * factor;
        rest = &rest[letters..];
    }
    if seconds > 0.0 && seconds < 1e9 {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(hint())
    }
}

fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let at = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    (&text[..at], text[at..].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_table_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        let seconds = |text| parse_time(text).map(|time| time.as_secs_f64()).ok();
        assert_eq!(seconds("60s"), Some(60.0));
        assert_eq!(seconds("1h30m"), Some(5400.0));
        assert_eq!(seconds("90"), Some(90.0));
        assert_eq!(seconds("250ms"), Some(0.25));
        assert_eq!(seconds("0"), None);
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds("-5s"), None);
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(parse_size("8GiB"), Ok(8 << 30));
        assert_eq!(parse_size("500 MB"), Ok(500_000_000));
        assert_eq!(parse_size("1.5k"), Ok(1500));
        assert!(parse_size("lots").is_err() && parse_size("-1").is_err());
    }

    #[test]
    fn pairs_need_both_sides() {
        assert_eq!(
            parse_pair("zip=categorical"),
            Ok(("zip".to_owned(), "categorical".to_owned()))
        );
        assert!(parse_pair("zip=").is_err() && parse_pair("zip").is_err());
    }
}
