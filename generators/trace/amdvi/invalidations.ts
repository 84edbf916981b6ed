/** Steps of an AMD-Vi trace that put commands into the buffer, and those that wait for them (AMD-Vi 2.4). */
import type { AmdViPlatform } from "../../../model/amdvi/profile.js";
import type { Action } from "../../../model/trace.js";
import type { Commands } from "../../amdvi/commands.js";
import type { TraceNames } from "../notation-dialect.js";
import type { Line } from "../notation-line.js";
import { Waits } from "../notation-waits.js";
import { takeDevice, takeDomain, takeIovaIf, takeNumber } from "../notation-words.js";

/** The whole address space, as the logarithm of a number of pages. */
const ALL_PAGES = 52;

export class AmdViInvalidations {
  private readonly waits: Waits;

  /** @param commands writes to `actions`, like this */
  constructor(
    private readonly commands: Commands,
    actions: Action[],
    private readonly platform: AmdViPlatform,
    private readonly names: TraceNames,
  ) {
    this.waits = new Waits(actions);
  }

  /** `flush dte …`, `flush pages …` or `flush all`: submits without waiting. */
  flush(line: Line): void {
    const what = line.oneOf(["dte", "pages", "all"]);
    if (what === "dte") this.commands.invalidateDevice(this.names.requester(takeDevice(line), line));
    else if (what === "pages") this.flushPages(line);
    else if (this.platform.invalidateAll) this.commands.invalidateAll();
    else line.reject(`${this.platform.profile.id} has no INVALIDATE_IOMMU_ALL`);
  }

  /** `d1` for the whole domain, `d1 10 order 2` for pages of it; `pde` for page directory entries too (2.4.3). */
  private flushPages(line: Line): void {
    const domain = takeDomain(line);
    const iova = takeIovaIf(line);
    const order = iova !== null && line.takeWordIf("order") ? takeNumber(line, "an order such as 9") : 0;
    const tables = line.takeWordIf("pde");
    this.commands.invalidatePages(
      this.names.domainId(domain),
      iova ?? 0,
      iova === null ? ALL_PAGES : order,
      tables,
    );
  }

  /** COMPLETION_WAIT, and its store is seen; `f` keeps later commands from starting before it is done. */
  wait(line: Line): void {
    this.commands.wait("store", line.takeWordIf("f"));
  }

  /** `submit-wait w1 f`: a COMPLETION_WAIT that nobody looks at unless a later `see` does. */
  submitWait(line: Line): void {
    this.waits.submit(line, () => this.commands.wait("store", line.takeWordIf("f")));
  }

  see(line: Line): void {
    this.waits.see(line);
  }
}
