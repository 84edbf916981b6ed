/** Every faulty variant of a driver is found, shrunk to its argued minimum or a step more, and shown again from its file. */
import { describeBugs } from "./bugs/found.testing.js";

describeBugs("driver");
