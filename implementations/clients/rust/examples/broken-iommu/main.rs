//! The unit of `examples/iommu` with one mistake: it keeps every translation, and no invalidation removes it.
//!
//! ```text
//! iommu-spec check --on "exec:target/debug/examples/broken-iommu"
//! ```

#[path = "../iommu/unit/mod.rs"]
mod unit;

use iommu_spec::{
    serve_iommu, Architecture, Effect, Error, Iommu, IommuDescription, IommuSetup, Memory, Request,
    RequestType, Width,
};
use std::collections::HashMap;
use std::process::ExitCode;
use unit::AmdViUnit;

#[derive(Default)]
struct NeverForgets {
    unit: AmdViUnit,
    /// By requester, page and type of the request.
    kept: HashMap<(u16, u64, RequestType), u64>,
}

impl Iommu for NeverForgets {
    fn translate(&mut self, memory: &mut Memory, request: &Request) -> Effect {
        let key = (request.requester, request.page, request.kind);
        if let Some(page) = self.kept.get(&key) {
            return Effect::Page(*page);
        }
        let effect = self.unit.translate(memory, request);
        if let Effect::Page(page) = effect {
            self.kept.insert(key, page);
        }
        effect
    }

    fn reset(&mut self, setup: &IommuSetup, memory: &mut Memory) -> Result<(), Error> {
        self.kept.clear();
        self.unit.reset(setup, memory)
    }

    fn read_register(&mut self, memory: &mut Memory, offset: u32, width: Width) -> u64 {
        self.unit.read_register(memory, offset, width)
    }

    fn write_register(&mut self, memory: &mut Memory, offset: u32, width: Width, value: u64) {
        self.unit.write_register(memory, offset, width, value)
    }
}

fn main() -> ExitCode {
    let description = IommuDescription::new("rust-broken", "1.0", Architecture::AmdVi);
    serve_iommu(&description, &mut NeverForgets::default())
}
