/** Faulty variants of the VT-d driver. */
import { variantsOf } from "../../shared/variant.js";
import { vtdDriverWith } from "../factory.js";

/** Declares a variant. */
export const variant = variantsOf("vtd", vtdDriverWith);
