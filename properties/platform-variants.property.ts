/** Every faulty variant of platform software is found, shrunk to its argued minimum or a step more, and shown again from its file. */
import { describeBugs } from "./bugs/found.testing.js";

describeBugs("platform");
