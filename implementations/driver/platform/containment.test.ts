import { expect, it } from "vitest";
import { profileNamed } from "../../../model/vtd/profiles.js";
import { Containment } from "./containment.js";
import { Survey } from "./survey.js";
import { REGISTERS, setupOf, topology } from "./topology.testing.js";

const survey = new Survey(setupOf(profileNamed("qemu-48")), topology, {});
const OWN = survey.functionNamed("old")!.own;
const ALIAS = 0x200;

function countTimes(containment: Containment, requester: number, times: number): (readonly string[])[] {
  return Array.from({ length: times }, () =>
    containment.count(survey, REGISTERS.others, { requester, page: 1 }),
  );
}

it("disables a device at the fault that is one too many", () => {
  expect(countTimes(new Containment(3, {}), OWN, 3)).toEqual([[], [], ["old"]]);
});

it("counts faults under every id that is a device's alone", () => {
  const containment = new Containment(3, {});
  countTimes(containment, ALIAS, 2);
  expect(countTimes(containment, OWN, 1)).toEqual([["old"]]);
});

it("counts the faults of one device for no other", () => {
  const containment = new Containment(3, {});
  countTimes(containment, OWN, 2);
  expect(countTimes(containment, survey.functionNamed("disk")!.own, 2)).toEqual([[], []]);
});

it("begins anew with another device", () => {
  const containment = new Containment(3, {});
  countTimes(containment, OWN, 2);
  containment.forget(survey.functionNamed("old")!);
  expect(countTimes(containment, OWN, 2)).toEqual([[], []]);
});

it("holds nobody responsible for an id that nobody has", () => {
  expect(countTimes(new Containment(1, {}), 0xff8, 2)).toEqual([[], []]);
});
