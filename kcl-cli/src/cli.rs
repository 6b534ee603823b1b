//! The arguments of the command: those of every part of it, put together.

use clap::{Parser, Subcommand};

use crate::{
    app::AppArgs, config::SettingsArgs, consume::ConsumeArgs, convert::ConfigArgs,
    dashboard::DashboardArgs, doctor::DoctorArgs, export::ExportArgs, import::ImportArgs,
    leases::LeasesArgs, logging::LoggingArgs, multilang::MultilangArgs, peek::PeekArgs,
    placement::PlacementArgs, plan::PlanArgs, produce::ProduceArgs, simulate::SimulateArgs,
    stream::StreamArgs, workers::WorkersArgs,
};

/// Consume Kinesis streams with a balanced fleet, and look after it.
///
/// Settings come from a YAML file (--config), the environment and flags; each overrides the one
/// before. Data goes to stdout, everything else to stderr.
#[derive(Debug, Parser)]
#[command(name = "kcl", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Where settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// What is logged.
    #[command(flatten)]
    pub logging: LoggingArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read a stream as a member of a fleet: one JSON object per record on stdout.
    Consume(ConsumeArgs),
    /// Run a record processor in any language, as the MultiLangDaemon of the Java KCL does: a child
    /// for each shard, by its protocol and its properties file, without Java.
    ///
    /// Properties are stronger than the environment and the settings file, flags than properties.
    /// A link of the name kcl-java to this program takes java's place in the launchers of the
    /// clients for Python and Node: see docs/MULTILANG.md.
    Multilang(MultilangArgs),
    /// Put records into a stream: generated ones, or lines from stdin.
    ///
    /// However it ends, one JSON object on stdout accounts for the records: `produced`, `retried`,
    /// `failed`, `not_tried`, and the numbers of the first that failed and the first that was not
    /// tried. Exit code: 0 if all there was to put is in the stream, 1 if something failed, 130 or
    /// 143 if SIGINT or SIGTERM came before the end.
    Produce(ProduceArgs),
    /// Show some records of a shard: one JSON object per record on stdout, as `kcl consume` writes
    /// them. Touches no lease and no checkpoint, and needs no store.
    Peek(PeekArgs),
    /// Create, describe, reshard or delete a stream.
    Stream(StreamArgs),
    /// See which worker reads which shard, and how far; move, release, pause and resume leases.
    Leases(LeasesArgs),
    /// Take an application over from the Java KCL or VMware-Go-KCL.
    ///
    /// Reads their lease table, judges every shard, and writes the checkpoints into a lease store
    /// of kcl.
    ///
    /// Nothing is read by two fleets, and nothing is passed over: the old fleet is seen to stand
    /// still, or a fence is named; the application is closed meanwhile; all shards are taken or
    /// none. --dry-run shows what would be taken, and changes nothing. The old table is only read.
    ///
    /// Examples:
    ///
    ///   kcl import --from dynamodb-kcl:orders --app orders --stream orders --store postgres://…
    ///   --dry-run
    ///
    ///   kcl import --from dynamodb-kcl:orders … --prepare      # the old fleet still runs
    ///
    ///   kcl import --from dynamodb-kcl:orders … --finish --fence at-zero
    #[command(verbatim_doc_comment)]
    Import(ImportArgs),
    /// Write checkpoints back into a lease table of the Java KCL or VMware-Go-KCL, so that the old
    /// fleet can go on; or everything into a file.
    ///
    /// Rows that are there are set free where the leases stand, and never taken back, unless
    /// --backwards says so. A table that is not there is made.
    Export(ExportArgs),
    /// See the workers of an application; drain workers, and take them back.
    Workers(WorkersArgs),
    /// Show which leases would move with other workers or more shards. Changes nothing.
    Plan(PlanArgs),
    /// Find what is wrong with an application, its cause, and the command that helps.
    ///
    /// It reads the store and the stream until it has seen every worker beat (one and a half
    /// heartbeats at most), and changes nothing. Each finding names its cause and a command that
    /// helps; where reading fails the answer is unknown, and the rest is judged all the same. Of up
    /// to 100 shards one or two records are read, to see how old the unread records are.
    ///
    /// Exit code: 0 healthy, 1 findings, 2 no finding, but not everything could be judged.
    Doctor(DoctorArgs),
    /// Serve a page that shows applications while they run: which worker reads which shard, the
    /// lag, the findings with their causes, and the command that helps.
    ///
    /// It reads the store and the stream alone, and changes nothing unless --allow-changes says
    /// that it may. It is reached from this machine only, unless an address and a token are given.
    /// The page's address is the one line on stdout.
    Dashboard(DashboardArgs),
    /// Set which shards must or should go to which workers, and check these rules.
    Placement(PlacementArgs),
    /// Freeze a fleet, so that no lease of a live worker moves, and thaw it.
    App(AppArgs),
    /// Convert the settings files of other libraries.
    Config(ConfigArgs),
    /// Play a simulated fleet under faults, check every invariant, and show which worker held which
    /// lease.
    ///
    /// Everything is drawn from a seed, or written in a script: the same input gives the same run.
    /// If an invariant breaks, the shortest script that breaks it is written to a file. Exit code:
    /// 0 if every invariant held, 1 if one is broken, 2 if there is no verdict.
    Simulate(SimulateArgs),
    /// Watch a fleet share a stream through splits, joins and a crash, all in this process.
    #[cfg(feature = "demo")]
    Demo(crate::demo::DemoArgs),
}

impl Command {
    /// The log filter of this command if neither `--log` nor `RUST_LOG` is given.
    pub(crate) const fn default_log(&self) -> &'static str {
        match self {
            // A worker runs for a long time, and its log is how an operator follows it.
            Self::Consume(_) => {
                "warn,kcl_core=info,kcl_dynamo=info,kcl_kinesis=info,kcl_cli=info,kcl_metrics=info"
            }
            Self::Multilang(_) => {
                "warn,kcl_core=info,kcl_dynamo=info,kcl_kinesis=info,kcl_cli=info,\
                 kcl_metrics=info,kcl_multilang=info"
            }
            // What was changed, by whom.
            Self::Dashboard(_) => "warn,kcl_cli=info",
            // The picture tells it.
            #[cfg(feature = "demo")]
            Self::Demo(_) => "off",
            _ => "warn",
        }
    }
}
