/** Device tables and host page tables as the software of a scenario builds them (AMD-Vi 2.2.2, 2.2.3). */
import { BLOCKING_ENTRY, deviceTableEntryAt, pdeLayout } from "../../model/amdvi/tables.js";
import { encoderOf } from "../../model/words/layout.js";
import { amdViPlaces } from "../places.js";
import { type Place, Software, type TableFormat } from "../software.js";

const encodePde = encoderOf(pdeLayout, ["PR", "NextLevel", "IR", "IW", "Address"]);

/** An entry says which level the table it points to is of: any below its own, or 0 and 7 for a page. */
const hostTables: TableFormat = {
  link: (_, next, page) => encodePde({ PR: 1, NextLevel: next, IR: 1, IW: 1, Address: page })[0]!,
  linked: (level, low) => {
    const next = (low >>> 9) & 7;
    return low & 1 && next < level ? next : 0;
  },
};

export class AmdViSoftware extends Software {
  constructor() {
    super(amdViPlaces, hostTables);
  }

  /** The first device table lets nothing through when a run starts translating; only its devices' entries are looked at. */
  startTranslating(devices: readonly { readonly requester: number }[]): void {
    for (const { requester } of devices) {
      const at = this.deviceEntryAt(requester);
      if (at) this.remember(at.page, at.word, BLOCKING_ENTRY);
    }
  }

  /** Where the device table entry of a function is; null when the table does not go that far. */
  deviceEntryAt(deviceId: number): Place | null {
    const { page, word } = deviceTableEntryAt(deviceId);
    return page < this.places.rootPages ? { page: this.places.roots[this.root]! + page, word } : null;
  }
}
