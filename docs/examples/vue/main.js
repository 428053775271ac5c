// Vue 3. The compiler has to know that the tag is not a component; with Vite:
//
//   vue({ template: { compilerOptions: { isCustomElement: (tag) => tag.startsWith("afterbeep-") } } })
import { createApp } from "vue";
import CallBob from "./CallBob.vue";

createApp(CallBob).mount("#app");
