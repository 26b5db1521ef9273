//! `trainer data`.

use crate::{cli::DataCommand, data, error::Result};

/// Lists the data sets, or fetches one.
pub fn data(command: DataCommand) -> Result<()> {
    match command {
        DataCommand::List => {
            for set in data::names() {
                println!("{set}");
            }
            Ok(())
        }
        DataCommand::Fetch { name, dir } => {
            let folder = data::fetch(&name, dir.as_deref())?;
            println!("{}", folder.display());
            Ok(())
        }
    }
}
