//! Flags of commands that write a model folder.

use std::path::PathBuf;

use clap::{Args, builder::NonEmptyStringValueParser};

use super::{
    drawing::ChurnArgs,
    model::{BackendArgs, GuideArgs},
    values::whole_parser,
};

#[derive(Args)]
pub struct ExportArgs {
    /// The run folder.
    #[arg(long)]
    pub run: PathBuf,
    /// Export the checkpoint with the lowest held-out loss instead of the newest.
    #[arg(long)]
    pub best: bool,
    /// The model folder to write. Its name becomes the model's name. An existing model folder is replaced, unless it
    /// holds other files.
    #[arg(long)]
    pub out: PathBuf,
    /// Where the run's folder of pictures is now, if it was moved.
    #[arg(long)]
    pub data: Option<String>,
    /// Folder of the data set's files, if it is not where the run found them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// Number of held-out pictures to publish with the model, so that visitors can restore, denoise and score them. 0
    /// publishes none, for pictures whose licence does not allow it. Together they may take 16 MiB as a file and 64 MiB
    /// unpacked.
    #[arg(long, default_value_t = 24, value_parser = whole_parser(0, 1_000_000_usize))]
    pub held_out: usize,
    /// A folder of other pictures to publish instead, in the order of their names, for data whose licence does not allow
    /// publishing. None may be of the data itself.
    #[arg(long, value_name = "FOLDER", requires = "pictures_licence", conflicts_with = "held_out")]
    pub pictures: Option<PathBuf>,
    /// Source and licence of these pictures, shown on the model card and the page, such as "CC0 (Jane Doe)".
    #[arg(long, value_name = "TEXT", requires = "pictures", value_parser = NonEmptyStringValueParser::new())]
    pub pictures_licence: Option<String>,
    /// Licence of the training pictures, shown on the model card and the page, such as "CC BY 4.0 (Jane Doe)" [default: the
    /// data set's].
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub licence: Option<String>,
    /// Further text about the pictures for the model card: where they come from, how they were changed.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub note: Option<String>,
    /// The evaluation.json that `trainer evaluate` wrote for this run, with the same churn and guidance; its results go
    /// on the model card.
    #[arg(long)]
    pub evaluation: Option<PathBuf>,
    #[command(flatten)]
    pub churn: ChurnArgs,
    #[command(flatten)]
    pub guide: GuideArgs,
    #[command(flatten)]
    pub backend: BackendArgs,
}

#[derive(Args)]
pub struct MeasureArgs {
    /// An exported model folder; it may be from a version that did not measure likelihoods.
    #[arg(long)]
    pub model: PathBuf,
    /// The data set, or the pictures, that it was trained on.
    #[arg(long)]
    pub data: String,
    /// Folder of the data set's files, if it is not where `trainer data fetch` puts them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// The evaluation.json that `trainer evaluate` wrote for this folder; its results take the place of earlier ones.
    #[arg(long)]
    pub evaluation: Option<PathBuf>,
    #[command(flatten)]
    pub backend: BackendArgs,
}
