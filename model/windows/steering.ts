/**
 * The registers that steer translation, with their windows: a new value may be in force from the write of a command on,
 * the old one until software has seen that the command is done. Where a write takes effect at once, that is seen at once.
 */
import { Protection } from "./protection.js";
import { RegisterWindow } from "./register-window.js";

/**
 * Whether translation is enabled (1 or 0), the pointer to the first structure as the table walk takes it, and the memory
 * that requests are kept out of.
 */
export class SteeringRegisters {
  readonly enabled = new RegisterWindow();
  readonly tablePointer = new RegisterWindow();
  readonly protection = new Protection();

  /** Index of the value with which translation was switched on last, as far as software has seen it; else 0. */
  switchedOn(now: number): number {
    return this.enabled.switchedOn(now);
  }

  reset(translating: boolean, pointer: number): void {
    this.enabled.reset(translating ? 1 : 0);
    this.tablePointer.reset(pointer);
    this.protection.reset();
  }
}
