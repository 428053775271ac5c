// The page that shows calls, message by message.

import { AfterbeepLadder } from "./ladder-element.js";

AfterbeepLadder.define();
