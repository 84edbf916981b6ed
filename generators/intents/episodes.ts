/**
 * Episodes: steps that belong together, in which something is used, taken away, and the same thing used for another
 * purpose. Any part of one may be missing where the situation does not allow it.
 */
import type { Chance } from "../../model/words/chance.js";
import { clash } from "./clash.js";
import { type IntentWriter, IOVA_REGIONS } from "./intent-writer.js";
import { type Intent, MOST_PAGES } from "./scenario.js";
import type { Run, Situation } from "./situation.js";

/** Domains with more mappings than this are not emptied to be destroyed. */
const FEW = 2;

export class Episodes {
  constructor(
    private readonly chance: Chance,
    private readonly situation: Situation,
    private readonly write: IntentWriter,
    private readonly domains: readonly string[],
    private readonly deferred: boolean,
  ) {}

  /** Maps something where nothing is, so that the episode has something to be about. */
  private someRun(): Run | undefined {
    const { situation, write } = this;
    const found = situation.anyLive();
    if (found) return found;
    write.emit(write.map(write.likelyDomain()));
    return situation.anyLive();
  }

  private sync(weight: number): void {
    if (this.deferred && this.chance.happens(weight)) this.write.emit({ do: "sync" });
  }

  /** A mapping is used, taken away or its device is, and page or address go to somebody else; then it is tried again. */
  reuse(): void {
    const { chance, write } = this;
    const run = this.someRun();
    if (!run) return;
    const device = write.deviceFor(run.domain);
    const iova = run.iova + write.offsetIn(run);
    write.request(device, iova);
    if (chance.happens(64)) write.program(device, iova);
    if (chance.happens(144)) this.takeMapping(run);
    else this.takeDevice(device, run);
    write.request(device, iova);
  }

  private takeMapping(run: Run): void {
    const { chance, write } = this;
    if (chance.happens(48)) {
      write.emit(write.protect(run));
      return;
    }
    const { domain, iova, page, pages } = run;
    write.emit(write.unmapWhole(run));
    this.sync(176);
    const next = chance.below(8);
    if (next < 5) write.emit(write.map(write.otherDomain(domain), { page, pages }));
    else if (next < 7) write.emit(write.map(domain, { iova, pages }));
  }

  private takeDevice(device: string, run: Run): void {
    const { chance, write } = this;
    if (chance.happens(96)) {
      write.emit(write.detach(device));
      this.sync(128);
      if (chance.happens(96)) return;
    }
    const domain = write.otherDomain(run.domain);
    write.emit({ do: "attach", device, domain });
    this.sync(96);
    if (chance.happens(160)) write.emit(write.map(domain, { iova: run.iova, pages: run.pages }));
  }

  /** A superpage is used, split by a change of one page, and perhaps put together again. */
  superpage(): void {
    const { chance, situation, write } = this;
    const domain = write.likelyDomain();
    write.emit(write.map(domain, { pages: MOST_PAGES }));
    const run = situation.live.find((one) => one.pages === MOST_PAGES);
    if (!run) return;
    const device = write.deviceFor(run.domain);
    const first = write.offsetIn(run);
    const iova = run.iova + first;
    const { mapping } = run;
    const one = { mapping, offset: run.offset + first, pages: 1 };
    write.request(device, iova);
    if (chance.happens(96)) {
      write.emit({ do: "unmap", ...one });
      this.sync(128);
      if (chance.happens(128)) write.emit(write.map(run.domain, { iova, pages: 1 }));
    } else {
      const access = chance.happens(128) ? "r" : "w";
      write.emit({ do: "protect", ...one, access });
      write.request(device, iova);
      if (chance.happens(192)) {
        write.emit({ do: "protect", mapping, offset: run.offset, pages: run.pages, access });
        write.emit({ do: "merge", mapping });
      }
    }
    write.request(device, iova);
    write.request(device, run.iova + write.offsetIn(run));
  }

  /** A domain is emptied and destroyed while caches still hold what it had; another one comes into being. */
  rebirth(): void {
    const { situation, write } = this;
    const run = this.someRun();
    if (!run) {
      this.shortLife();
      return;
    }
    const { domain } = run;
    const runs = situation.live.filter((one) => one.domain === domain);
    if (runs.length > FEW) return;
    const device = write.deviceFor(domain);
    const iova = run.iova + write.offsetIn(run);
    write.request(device, iova);
    for (const one of runs) write.emit(write.unmapWhole(one));
    const heir = this.domains.find((one) => !situation.exists(one)) ?? domain;
    this.leave(domain);
    this.sync(96);
    write.emit({ do: "destroy", domain });
    write.emit({ do: "attach", device: write.anyDeviceBut(device) ?? device, domain: heir });
    write.emit(write.map(heir));
    write.request(device, iova);
  }

  /** A device has a domain with nothing in it for a moment; its domain id goes to the next one with its next device. */
  shortLife(): void {
    const { situation, write } = this;
    const domain = this.domains.find((one) => situation.live.every((run) => run.domain !== one));
    const device = write.anyDevice();
    const other = write.anyDeviceBut(device);
    if (domain === undefined || other === undefined) return;
    write.emit(write.detach(device));
    write.emit(write.detach(other));
    write.emit({ do: "sync" });
    write.emit({ do: "attach", device, domain });
    write.emit({ do: "detach", device });
    write.emit({ do: "destroy", domain });
    const heir = this.domains.find((one) => !situation.exists(one)) ?? domain;
    write.emit({ do: "attach", device: other, domain: heir });
    write.emit(write.map(heir));
  }

  /** Every device of the domain goes. */
  private leave(domain: string): void {
    const { situation, write } = this;
    for (let device = situation.deviceOf(domain); device !== undefined; device = situation.deviceOf(domain))
      write.emit({ do: "detach", device });
  }

  /** The only mappings of a table go, and with them the table; whoever gets its page plants entries. */
  tables(): void {
    const { chance, situation, write } = this;
    const domain = write.likelyDomain();
    const region = IOVA_REGIONS.find((one) => situation.isVacant(domain, one, MOST_PAGES));
    if (region === undefined) return;
    const intent = write.map(domain, { iova: region + chance.below(3), pages: 1 + chance.below(3) });
    if (!intent) return;
    write.emit(intent);
    const device = write.deviceFor(domain);
    write.request(device, intent.iova);
    const { mapping, pages } = intent;
    write.emit({ do: "unmap", mapping, offset: 0, pages });
    this.sync(160);
    if (write.superpages && chance.happens(96))
      write.emit(write.map(domain, { iova: region, pages: MOST_PAGES }));
    write.plant();
    write.request(device, intent.iova);
    if (chance.happens(128)) write.request(device, region + chance.below(5));
  }

  /** A page is mapped twice in one domain; one of the mappings goes, then perhaps the page. */
  share(): void {
    const { chance, write } = this;
    const run = this.someRun();
    if (!run) return;
    const { domain, page, pages } = run;
    const twin = write.map(domain, { page, pages });
    if (!twin) return;
    write.emit(twin);
    const device = write.deviceFor(domain);
    write.request(device, run.iova);
    write.request(device, twin.iova);
    write.emit(write.unmapWhole(run));
    write.request(device, run.iova);
    if (chance.happens(96)) return;
    write.emit({ do: "unmap", mapping: twin.mapping, offset: 0, pages });
    this.sync(192);
    write.emit(write.map(write.otherDomain(domain), { page, pages }));
    write.request(device, chance.happens(128) ? run.iova : twin.iova);
  }

  /** An address is mapped again before what was there is known to be gone. */
  remap(): void {
    const { chance, write } = this;
    const run = this.someRun();
    if (!run) return;
    const device = write.deviceFor(run.domain);
    const iova = run.iova + write.offsetIn(run);
    write.request(device, iova);
    write.emit(write.unmapWhole(run));
    write.emit(write.map(run.domain, { iova: run.iova, pages: run.pages }));
    if (chance.happens(128)) write.request(device, iova);
    if (chance.happens(192)) write.emit({ do: "sync" });
    if (chance.happens(96))
      write.emit(write.map(write.otherDomain(run.domain), { page: run.page, pages: run.pages }));
    write.request(device, iova);
  }

  /** Two CPUs at once, mostly in one domain, and then requests for what they changed. */
  together(): void {
    const { chance, situation, write } = this;
    const first = this.anyIntent() ?? this.anyIntent();
    if (!first) return;
    const nextTo = first.do === "map" && chance.happens(128) ? this.neighbourOf(first) : undefined;
    const second = nextTo ?? this.anyIntent() ?? this.anyIntent();
    if (!second || clash(first, second)) return;
    const run = situation.recentRun();
    write.steps.push({ do: "together", first, second, schedule: chance.happens(16) ? 0 : chance.bits() });
    situation.apply(first);
    situation.apply(second);
    write.dma();
    if (run && chance.happens(128)) write.request(write.anyDevice(), run.iova);
  }

  /** A mapping that needs the same table. */
  private neighbourOf(intent: Extract<Intent, { do: "map" }>): Intent | undefined {
    const iova = intent.iova - (intent.iova % MOST_PAGES) + this.chance.below(5);
    return this.write.map(intent.domain, { iova, pages: 1 });
  }

  private anyIntent(): Intent | undefined {
    const { chance, situation, write } = this;
    const drawn = chance.below(16);
    if (drawn < 5) return write.map(write.likelyDomain());
    if (drawn < 9) return write.unmap(situation.anyLive());
    if (drawn < 11) return write.protect(situation.anyLive());
    if (drawn < 13) return write.attach(write.anyDevice());
    if (drawn < 14) return write.detach(write.anyDevice());
    if (drawn < 15) return write.destroy() ?? write.merge();
    return { do: "sync" };
  }
}
