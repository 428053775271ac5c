// React 19 with the npm package. `main.js` is the bundle; the package's `assets` lie beside it, and its
// `afterbeep-sw.js` lies at the root of this site.
import "afterbeep";
import { createRoot } from "react-dom/client";
import { CallBob } from "./CallBob.jsx";

createRoot(document.querySelector("#app")).render(<CallBob visitor="Anna" />);
navigator.serviceWorker?.register("/afterbeep-sw.js?server=https://edge.example.com");
