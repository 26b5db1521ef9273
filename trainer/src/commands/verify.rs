//! `trainer verify`.

use serde_json::json;

use crate::{
    cli::VerifyArgs,
    error::{Error, Result},
    verify::{Reference, compare},
};

/// Compares this implementation with an independent one.
pub fn verify(args: VerifyArgs) -> Result<()> {
    let reference = Reference::read(&args.reference)?;
    let (device, backend) = args.backend.device()?;
    let quantities = compare(reference, &device).map_err(|error| match error {
        Error::Input(text) => Error::input(format!("--reference {}: {text}", args.reference.display())),
        failed => failed,
    })?;
    let ok = quantities.iter().all(|quantity| quantity.ok);
    if args.json {
        let report = json!({ "ok": ok, "backend": backend, "quantities": quantities });
        println!("{report:#}");
    } else {
        for quantity in &quantities {
            let verdict = if quantity.ok { "ok" } else { "WRONG" };
            println!("{:40} relative error {:.2e}  {verdict}", quantity.name, quantity.relative_error);
        }
    }
    if ok { Ok(()) } else { Err(Error::failed("this implementation disagrees with the reference")) }
}
