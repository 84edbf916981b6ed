/** A unit for software that is searched exhaustively: what it keeps does not matter, because the model admits everything. */
import type { Iommu, RunSetup } from "../../implementations/iommu/interface.js";
import { ReferenceIommu } from "../../implementations/iommu/reference/reference.js";
import type { Action, Observation, RequestType } from "../../model/trace.js";

const SEEN: Observation = { low: 1, high: 0 };
const NOTHING: Observation = { low: 0, high: 0 };
const NO_REQUESTS: ReadonlySet<RequestType> = new Set();

/** What is known of a queue or command buffer: the entry that it stands at for good, if there is one. */
interface Views {
  readonly queue?: { readonly bad: object | null };
  readonly commands?: { readonly illegal: object | null };
}

/**
 * Answers as the reference does until software has started. From then on whatever software waits for is there at once,
 * so the unit has no state of its own. Its devices make no requests: exposure tells what each could reach.
 */
export class AnsweringUnit implements Iommu {
  readonly name = "a unit that answers at once";
  readonly requestTypes = NO_REQUESTS;
  private readonly reference = new ReferenceIommu();
  private hasStarted = false;

  /** @param oracle follows what software does */
  constructor(private readonly oracle: object) {}

  reset(setup: RunSetup): void {
    this.hasStarted = false;
    this.reference.reset(setup);
  }

  /** Software has started. */
  started(): void {
    this.hasStarted = true;
  }

  execute(actions: readonly Action[]): Observation[] {
    if (!this.hasStarted) return this.reference.execute(actions);
    return actions.map((action) => (action.do === "poll-memory" && this.stands ? NOTHING : answerTo(action)));
  }

  /** Nothing is fetched any more: waits do not complete. */
  private get stands(): boolean {
    const { queue, commands } = this.oracle as Views;
    return (queue?.bad ?? commands?.illegal ?? null) !== null;
  }

  readData(): number {
    return 0;
  }

  close(): void {
    this.reference.close();
  }
}

/** @throws Error for a read: what it shows depends on more than is kept */
function answerTo(action: Action): Observation {
  if (action.do === "read-register" || action.do === "read-memory")
    throw new Error("software reads what the unit says after its start, which this search does not follow");
  return action.do === "poll-register" || action.do === "poll-memory" ? SEEN : NOTHING;
}
