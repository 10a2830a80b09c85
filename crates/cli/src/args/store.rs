//! What can be typed about runs, models, the server and the store beneath them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::parse_time;

/// Where trainings are noted and models registered.
#[derive(Debug, Clone, Args)]
pub(crate) struct StoreArgs {
    /// The store: a folder, or postgres://USER@HOST/DATABASE [default: $KOLOSAL_STORE, else `kolosal` in the folder of
    /// the user's data; KOLOSAL_STORE=off notes no trainings]
    #[arg(long, value_name = "PLACE")]
    pub(crate) store: Option<String>,
    /// The folder of artifacts [default: $KOLOSAL_BLOBS, else `blobs` in the store's folder]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) blobs: Option<PathBuf>,
}

/// Options of `runs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kolosal runs list
  kolosal runs search \"metrics.auc > 0.9 AND params.preset = 'best'\" --order-by \"metrics.auc DESC\"
  kolosal runs show 3f2a
  kolosal runs compare 3f2a 77c0")]
pub(crate) struct RunsArgs {
    #[command(subcommand)]
    pub(crate) what: RunsWhat,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsWhat {
    /// The latest trainings
    List {
        #[command(flatten)]
        find: FindArgs,
    },
    /// Trainings that a filter finds, in MLflow's grammar
    Search {
        /// Such as: metrics.auc > 0.9 AND params.preset = 'best' AND tags.team LIKE 'r%'
        filter: String,
        #[command(flatten)]
        find: FindArgs,
    },
    /// One run with its parameters, metrics, tags, data, artifacts and trials
    Show {
        /// The run, or the first characters of its identifier
        run: String,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// What differs between runs
    Compare {
        /// The runs, or the first characters of their identifiers
        #[arg(required = true, num_args = 2..)]
        runs: Vec<String>,
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// Which runs are listed.
#[derive(Debug, Args)]
pub(crate) struct FindArgs {
    /// Only those of an experiment
    #[arg(long, value_name = "NAME")]
    pub(crate) experiment: Option<String>,
    /// What comes first, such as \"metrics.auc DESC\"; may be repeated [default: the latest]
    #[arg(long, value_name = "ORDER")]
    pub(crate) order_by: Vec<String>,
    /// List the trials of trainings too
    #[arg(long)]
    pub(crate) trials: bool,
    /// Most runs
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) count: u16,
    /// Where the page before ended
    #[arg(long, value_name = "TOKEN")]
    pub(crate) page: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Options of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kolosal serve
  MLFLOW_TRACKING_URI=http://127.0.0.1:8080 MLFLOW_TRACKING_TOKEN=.. python train.py
  curl -H \"Authorization: Bearer $TOKEN\" -d '{\"rows\": [{\"age\": 40}]}' http://127.0.0.1:8080/api/v1/models/churn/predict

The first start makes a token for the administrator and prints it once.")]
pub(crate) struct ServeArgs {
    /// The address to listen at
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: std::net::IpAddr,
    /// The port; 0 takes one that is free
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// A name by which others ask for this server; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
    /// Let everyone on this machine in without a token; only for loopback addresses
    #[arg(long)]
    pub(crate) no_auth: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Options of `tokens`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kolosal tokens create ci --role editor
  kolosal tokens revoke 5f0c9a1be2d34c77")]
pub(crate) struct TokensArgs {
    #[command(subcommand)]
    pub(crate) what: TokensWhat,
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokensWhat {
    /// Make a token and print it, this once
    Create {
        /// Who or what it is for
        name: String,
        /// What it permits: viewer, editor, operator or admin
        #[arg(long)]
        role: String,
        /// When it ends by itself, such as 90d [default: never]
        #[arg(long, value_name = "TIME", value_parser = parse_time)]
        expires_in: Option<Duration>,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// All tokens, without what opens the server
    List {
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Make a token useless
    Revoke {
        /// Its identifier, as `list` shows it
        id: String,
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// Options of `audit`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kolosal audit verify\n  kolosal audit list --count 50")]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    pub(crate) what: AuditWhat,
}

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditWhat {
    /// The latest changes
    List {
        /// Most entries
        #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        count: u16,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Compare every entry with its digest; fails if one does not fit
    Verify {
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// Options of `models`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kolosal models register churn model.kolosal
  kolosal models promote churn 2
  kolosal models rollback churn
  kolosal models list --json")]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    pub(crate) what: ModelsWhat,
}

/// What to do with models.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelsWhat {
    /// All registered models
    List {
        #[command(flatten)]
        store: StoreArgs,
    },
    /// One model with its versions and aliases
    Show {
        /// The model
        name: String,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Add a version; the model's name is made if it is new
    Register {
        /// The model's name
        name: String,
        /// The model file
        #[arg(required_unless_present = "run", conflicts_with = "run")]
        file: Option<PathBuf>,
        /// Take the model of a run instead
        #[arg(long, value_name = "RUN")]
        run: Option<String>,
        /// What this version is
        #[arg(long, default_value = "")]
        description: String,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Let an alias point at a version
    Promote {
        /// The model
        name: String,
        /// The version
        #[arg(value_name = "VERSION")]
        number: i64,
        /// The alias
        #[arg(long, default_value = "champion")]
        alias: String,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Let an alias point at where it pointed before
    Rollback {
        /// The model
        name: String,
        /// The alias
        #[arg(long, default_value = "champion")]
        alias: String,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Take a version out of use: its aliases go, its bytes stay
    Retire {
        /// The model
        name: String,
        /// The version
        #[arg(value_name = "VERSION")]
        number: i64,
        #[command(flatten)]
        store: StoreArgs,
    },
}
