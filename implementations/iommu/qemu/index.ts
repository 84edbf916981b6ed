/** QEMU's `intel-iommu` and `amd-iommu` as an IOMMU under test: see {@link openQemu}. */
export { findQemu, type Qemu, type QemuOptions } from "./find.js";
export { openQemu, type QemuIommu } from "./qemu.js";
export { qemuProfilesOf } from "./units.js";
