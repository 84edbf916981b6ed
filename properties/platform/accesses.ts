/** What platform software says and does beyond what a driver can: taken out of its routines, so that a machine runs the rest. */
import type { Answer, Routine } from "../../implementations/driver/interface.js";
import type { PlatformRoutine } from "../../implementations/driver/platform/interface.js";

/** Who hears of it. */
export interface PlatformListener {
  /** What follows is an access to the unit whose registers are in that page. */
  selectUnit(registers: number): void;
  refused(ticket: number): void;
  lent(ticket: number, iova: number): void;
  guestTables(domain: string, page: number): void;
  report(requester: number, page: number): void;
  disableDevice(device: string): void;
}

const ZERO: Answer = { low: 0, high: 0 };
/** The routine as a machine runs it. Accesses are taken to be well-formed. */
export function* loweredTo(routine: PlatformRoutine, listener: PlatformListener): Routine {
  let answer = ZERO;
  while (true) {
    const next = routine.next(answer);
    if (next.done) return;
    const access = next.value;
    answer = ZERO;
    switch (access.do) {
      case "at-unit":
        listener.selectUnit(access.registers);
        answer = yield access.access;
        break;
      case "refused":
        listener.refused(access.ticket);
        break;
      case "lent":
        listener.lent(access.ticket, access.iova);
        break;
      case "guest-tables":
        listener.guestTables(access.domain, access.page);
        break;
      case "report":
        listener.report(access.requester, access.page);
        break;
      case "disable-device":
        listener.disableDevice(access.device);
        break;
      default:
        answer = yield access;
    }
  }
}
