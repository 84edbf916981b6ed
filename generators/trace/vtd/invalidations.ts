/** Steps of a VT-d trace that invalidate, and those that wait for it (VT-d 6.5). */
import type { Action } from "../../../model/trace.js";
import type { Platform } from "../../../model/vtd/profile.js";
import { Offset } from "../../../model/vtd/registers.js";
import type { Commands } from "../../vtd/commands.js";
import type { TraceNames } from "../notation-dialect.js";
import type { Line } from "../notation-line.js";
import { Waits } from "../notation-waits.js";
import { takeDevice, takeDomain, takeDomainIf, takeIovaIf, takeNumber } from "../notation-words.js";

/** ICC of CCMD_REG, IVT of IOTLB_REG: in the upper half of either. */
const COMMAND = 0x80000000;

export class VtdInvalidations {
  private readonly waits: Waits;

  /**
   * @param commands writes to `actions`, like this
   */
  constructor(
    private readonly commands: Commands,
    private readonly actions: Action[],
    private readonly platform: Platform,
    private readonly usesQueue: boolean,
    private readonly names: TraceNames,
  ) {
    this.waits = new Waits(actions);
  }

  /** `flush ctx …` or `flush iotlb …`: submits without waiting. */
  flush(line: Line): void {
    if (line.oneOf(["ctx", "iotlb"]) === "ctx") this.flushContext(line);
    else this.flushIotlb(line);
  }

  /** `all`, `d1` for a domain, `A d1` for a device under a domain's id (6.5.2.1). */
  private flushContext(line: Line): void {
    const { commands, names } = this;
    if (line.takeIf(/^all$/)) {
      commands.invalidate({ cache: "context", granularity: "global" }, 0, 0, false);
      return;
    }
    const domain = takeDomainIf(line);
    if (domain !== null) {
      const id = names.domainId(domain);
      commands.invalidate({ cache: "context", granularity: "domain", domain }, id, 0, false);
      return;
    }
    const device = takeDevice(line);
    const under = takeDomain(line);
    const target = {
      cache: "context",
      granularity: "device",
      domain: under,
      device,
      functionMask: 0,
    } as const;
    commands.invalidate(target, names.domainId(under), names.requester(device, line), false);
  }

  /** `all`, `d1` for a domain, `d1 10 mask 2 leaf` for pages of it; `nodrain` leaves writes on their way (6.5.2.3). */
  private flushIotlb(line: Line): void {
    const { commands } = this;
    const domain = line.takeIf(/^all$/) ? null : takeDomain(line);
    const iova = domain === null ? null : takeIovaIf(line);
    const mask = iova !== null && line.takeIf(/^mask$/) ? takeNumber(line, "an address mask such as 9") : 0;
    const leafOnly = iova !== null && line.takeIf(/^leaf$/) !== null;
    const drain = line.takeIf(/^nodrain$/) === null;
    if (domain === null) {
      commands.invalidate({ cache: "iotlb", granularity: "global", drain }, 0, 0, false);
      return;
    }
    const id = this.names.domainId(domain);
    if (iova === null)
      commands.invalidate({ cache: "iotlb", granularity: "domain", domain, drain }, id, 0, false);
    else {
      const target = { cache: "iotlb", granularity: "page", domain, iova, mask, leafOnly, drain } as const;
      commands.invalidate(target, id, 0, false);
    }
  }

  /** Waits for everything: a wait descriptor and its status, or both command registers. */
  wait(): void {
    if (this.usesQueue) this.commands.wait("status", false);
    else {
      for (const offset of [Offset.CCMD + 4, this.platform.iotlbRegisterOffset + 12])
        this.actions.push({ do: "poll-register", offset, mask: COMMAND, value: 0 });
    }
  }

  /** `submit-wait w1 fence`: a wait descriptor that nobody looks at unless a later `see` does. */
  submitWait(line: Line): void {
    if (!this.usesQueue) line.reject("there are wait descriptors only in the queue");
    this.waits.submit(line, () => this.commands.wait("status", line.takeWordIf("fence")));
  }

  /** `see w1`: waits for the status of a wait that was submitted earlier. */
  see(line: Line): void {
    this.waits.see(line);
  }
}
