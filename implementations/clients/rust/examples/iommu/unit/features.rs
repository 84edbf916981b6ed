//! What the feature registers say (MMIO 0030h, 01A0h), as far as this unit depends on it.

use iommu_spec::{Error, Platform, Profile};

#[derive(Default)]
pub struct Features {
    pub efr: u64,
    pub efr2: u64,
    /// IotlbSup: devices may have TLBs of their own.
    pub remote_iotlbs: bool,
}

/// Bits of EFR.
pub const PREFETCH: u64 = 1;
pub const PAGE_REQUESTS: u64 = 1 << 1;
pub const GUEST_TRANSLATION: u64 = 1 << 4;
pub const INVALIDATE_ALL: u64 = 1 << 6;
pub const SECURE_ATS: u64 = 1 << 31;
pub const GUEST_WITHOUT_PASID: u64 = 1 << 48;
pub const HOST_ACCESSED: u64 = 1 << 49;
pub const ENHANCED_PAGE_REQUESTS: u64 = 1 << 50;
pub const INVALIDATION_TYPES: u64 = 1 << 54;
pub const VIRTUAL_IOMMU: u64 = 1 << 55;

impl Features {
    /// # Errors
    /// When the platform is of another architecture.
    pub fn of(profile: &Profile) -> Result<Features, Error> {
        match &profile.platform {
            Platform::AmdVi(platform) => Ok(Features {
                efr: platform.extended_features,
                efr2: platform.extended_features_2,
                remote_iotlbs: platform.remote_iotlbs,
            }),
            Platform::Vtd(_) => Err(Error::new(format!("{} is no AMD-Vi platform", profile.id))),
        }
    }

    pub fn has(&self, bit: u64) -> bool {
        self.efr & bit != 0
    }

    /// Most levels of host page tables (HATS); none with HATS = 3.
    pub fn host_levels(&self) -> u64 {
        match self.efr >> 10 & 3 {
            3 => 0,
            hats => 4 + hats,
        }
    }

    /// GLXSup: GCR3 tables may have more than one level.
    pub fn several_guest_levels(&self) -> bool {
        self.efr >> 14 & 3 != 0
    }

    /// TMPMSup.
    pub fn page_migration(&self) -> bool {
        self.efr2 & 1 << 2 != 0
    }

    /// HTRangeIgnore: the HyperTransport ranges are ordinary memory.
    pub fn ignores_hypertransport_ranges(&self) -> bool {
        self.efr2 & 1 << 11 != 0
    }
}
