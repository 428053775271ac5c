// The module an embedder loads: it defines both elements and does nothing else.

import { AfterbeepCall } from "./call-element.js";
import { AfterbeepInbox } from "./inbox-element.js";

export { AfterbeepCall, AfterbeepInbox };

AfterbeepCall.define();
AfterbeepInbox.define();
