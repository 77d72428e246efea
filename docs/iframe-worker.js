/* A Worker for pages that were opened from a folder, where browsers start none: its script runs in a
 * hidden iframe, and messages go to and fro. The search of the theme is such a script. Elsewhere the
 * browser's own is left alone. The theme would fetch one like it from the network. */
(() => {
  "use strict";
  if (location.protocol !== "file:") return;

  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.onmessage = this.onerror = null;
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.title = "search";
      this.ready = new Promise((done) => {
        document.body.append(this.frame);
        const inside = this.frame.contentWindow;
        inside.postMessage = (data) => this.tell(this, data);
        inside.importScripts = (...scripts) =>
          scripts.reduce((earlier, one) => earlier.then(() => this.load(one)), Promise.resolve());
        this.load(url).then(() => done(inside));
      });
    }

    load(url) {
      const page = this.frame.contentDocument;
      return new Promise((done, failed) => {
        const script = page.createElement("script");
        script.src = new URL(url, document.baseURI).href;
        script.onload = done;
        script.onerror = failed;
        page.head.append(script);
      });
    }

    tell(target, data) {
      const event = new MessageEvent("message", { data });
      target.dispatchEvent(event);
      if (target === this && this.onmessage) this.onmessage(event);
    }

    postMessage(data) {
      this.ready.then((inside) => this.tell(inside, data));
    }

    terminate() {
      this.frame.remove();
    }
  };
})();
