/**
 * A program that is whatever faulty variant a file names when a run begins: replaying a counterexample of each takes one
 * process. Its arguments are a role, the file, and what else it says of itself.
 */
import { readFileSync } from "node:fs";
import type { DriverFactory } from "../../implementations/driver/interface.js";
import type { Iommu, RunSetup } from "../../implementations/iommu/interface.js";
import { ReferenceIommu } from "../../implementations/iommu/reference/reference.js";
import { DriverService } from "../../implementations/protocol/serve-driver.js";
import { IommuService } from "../../implementations/protocol/serve-iommu.js";
import { serveLines } from "../../implementations/protocol/serve-lines.js";
import type { Identity } from "../../implementations/protocol/serve-message.js";
import type { Action } from "../../model/trace.js";
import { type Variant, variants } from "./counterexamples.js";

const [role, file, offer] = process.argv.slice(2);
const identity: Identity = {
  name: "any variant",
  version: "1",
  architectures: ["vtd", "amdvi"],
  ...JSON.parse(offer ?? "{}"),
};

function chosen(): Variant {
  const name = readFileSync(file!, "utf8");
  return variants.find((one) => one.name === name)!;
}

const anyDriver: DriverFactory = (setup) => {
  const variant = chosen();
  if (variant.role !== "driver") throw new Error(`${variant.name} is no driver`);
  return variant.create(setup);
};

class AnyIommu implements Iommu {
  readonly name = identity.name;
  readonly drawsTiming = true;
  private present = new ReferenceIommu();
  readonly requestTypes = this.present.requestTypes;

  reset(setup: RunSetup): void {
    const variant = chosen();
    if (variant.role !== "iommu") throw new Error(`${variant.name} is no IOMMU`);
    this.present = new ReferenceIommu(variant.deviation);
    this.present.reset(setup);
  }

  execute(actions: readonly Action[]) {
    return this.present.execute(actions);
  }

  readData(page: number, offset: number): number {
    return this.present.readData(page, offset);
  }

  close(): void {
    this.present.close();
  }
}

const service =
  role === "driver" ? new DriverService(anyDriver, identity) : new IommuService(new AnyIommu(), identity);
serveLines(service, 0, 1);
