/** Faulty variants of the AMD-Vi driver. Several are modelled on defects that drivers had; those say which. */
import { variantsOf } from "../../shared/variant.js";
import { amdViDriverWith } from "../factory.js";

/** Declares a variant. */
export const variant = variantsOf("amdvi", amdViDriverWith);
