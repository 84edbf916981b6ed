//! An IOMMU under test: an AMD-Vi unit that caches nothing.
//!
//! ```text
//! iommu-spec check --on "exec:target/debug/examples/iommu"
//! ```

mod unit;

use iommu_spec::{serve_iommu, Architecture, IommuDescription};
use std::process::ExitCode;
use unit::AmdViUnit;

fn main() -> ExitCode {
    let description = IommuDescription::new("rust-amdvi", "1.0", Architecture::AmdVi);
    serve_iommu(&description, &mut AmdViUnit::default())
}
