/**
 * The list of calls, as fresh as its page is in sight.
 */

import { freshen, keepAsking } from "./core/fresh.js";
import { onReturn } from "./core/title.js";

/** A list is looked at in passing, by everybody: it is asked for less often than one's own call. In milliseconds. */
const EVERY_MS = 10_000;

keepAsking(EVERY_MS);
onReturn(freshen);
