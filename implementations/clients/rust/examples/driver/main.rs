//! A driver under test.
//!
//! ```text
//! iommu-spec check --driver "exec:target/debug/examples/driver"
//! ```

mod minimal;

use iommu_spec::{serve_driver, Architecture, DriverDescription};
use minimal::MinimalDriver;
use std::process::ExitCode;

fn main() -> ExitCode {
    let description = DriverDescription::new("rust-minimal", "1.0", Architecture::AmdVi);
    serve_driver(&description, |setup| Ok(Box::new(MinimalDriver::new(setup)?)))
}
