/** The command buffer of an AMD-Vi unit: fetched in order, executed when it likes, in any order that is legal. */
import { type Command, parseCommand } from "../../../../model/amdvi/commands.js";
import type { Place } from "../../../../model/amdvi/events.js";
import type { AmdViPlatform } from "../../../../model/amdvi/profile.js";
import type { Word } from "../../../../model/trace.js";
import { CommandPipeline } from "../command-pipeline.js";
import { Ring } from "../ring.js";
import type { Surroundings } from "../unit.js";
import type { AmdViDeviation } from "./deviations.js";

/** What the command buffer asks of the unit it belongs to. */
export interface CommandEffects {
  execute(command: Command): void;
  /** The command there is illegal. */
  illegal(place: Place): void;
  /** There is no memory where the command should be. */
  unreadable(place: Place): void;
}

export class ReferenceCommandBuffer extends CommandPipeline<Command> {
  /** CmdBufEn and IommuEn are 1. */
  enabled = false;
  halted = false;
  readonly ring = new Ring();

  constructor(
    private readonly platform: AmdViPlatform,
    private readonly surroundings: Surroundings,
    private readonly effects: CommandEffects,
    private readonly deviation: AmdViDeviation | null,
  ) {
    super(surroundings.chance);
  }

  reset(): void {
    this.ring.moveTo(0);
    this.enabled = false;
    this.halted = false;
    this.pending.length = 0;
  }

  protected canFetch(): boolean {
    return this.enabled && !this.halted && !this.ring.isEmpty;
  }

  /** 2.4: the head moves on once a command was found legal; it stays at an illegal one. */
  protected fetch(): void {
    const { memory, stores } = this.surroundings;
    const { page, word } = this.ring.placeOf(this.ring.head);
    stores.snoop(page);
    const frame = memory.frameOf(page);
    if (frame < 0) {
      this.halted = true;
      this.effects.unreadable({ page, offset: word * 8 });
      return;
    }
    const first: Word = { low: memory.low(frame, word), high: memory.high(frame, word) };
    const second: Word = { low: memory.low(frame, word + 1), high: memory.high(frame, word + 1) };
    const command = parseCommand(this.platform, [first, second]);
    if ("illegal" in command) {
      this.effects.illegal({ page, offset: word * 8 });
      this.halted = !this.deviation?.skipsIllegalCommand;
      if (this.halted) return;
    } else {
      this.pending.push(command);
    }
    this.ring.head = this.ring.after(this.ring.head);
  }

  /** 2.4.1. */
  protected waitsFor(command: Command, earlier: Command): boolean {
    if (command.command === "completion-wait") return !this.deviation?.waitsIgnoreOlder;
    return earlier.command === "completion-wait" && earlier.flush;
  }

  protected execute(command: Command): void {
    this.effects.execute(command);
  }
}
