//! The arguments of `kcl multilang`.

use std::path::PathBuf;

use clap::Args;

use crate::member::MemberArgs;

/// The arguments of `kcl multilang`.
#[derive(Args, Clone, Debug)]
pub struct MultilangArgs {
    /// The properties file of the MultiLangDaemon.
    #[arg(short, long, value_name = "FILE", alias = "properties-file")]
    pub properties: PathBuf,
    /// Print whether each property is applied, ignored or refused, and start nothing. Exit code 1
    /// if any is refused, or if a worker could not be started for another reason.
    #[arg(long)]
    pub check: bool,
    /// Append every message to and from the children to this file: lines of JSON with time, shard
    /// and process. It holds the data of the records; a new file is readable by its owner alone.
    #[arg(long, value_name = "FILE", env = "KCL_MULTILANG_RECORD")]
    pub record: Option<PathBuf>,
    /// Begin where initialPositionInStream says, although there is a table of an old fleet that was
    /// not imported.
    #[arg(long, env = "KCL_MULTILANG_FRESH")]
    pub fresh: bool,
    /// For Logback, and ignored: see --log.
    #[arg(short, long, value_name = "FILE")]
    pub log_configuration: Option<PathBuf>,
    /// The arguments of every worker.
    #[command(flatten)]
    pub member: MemberArgs,
}
