"use strict";
// A worker for pages that are opened from a folder: no browser starts one from a file, so search would find nothing. What a
// worker would run runs in a hidden frame instead. The names are those that Material's search looks for.

class IFrameWorker extends EventTarget {
  constructor(address) {
    super();
    this.frame = document.createElement("iframe");
    this.frame.hidden = true;
    document.body.append(this.frame);
    const inside = this.frame.contentWindow;
    inside.postMessage = (data) => this.tell(data);
    inside.importScripts = (...scripts) => scripts.reduce((before, each) => before.then(() => this.run(each)), Promise.resolve());
    this.ready = this.run(address);
  }

  // The worker's script finds the others by its own address, in a script of the frame.
  run(address) {
    return new Promise((done, failed) => {
      const script = this.frame.contentDocument.createElement("script");
      Object.assign(script, { src: new URL(address, location.href).href, onload: done, onerror: failed });
      this.frame.contentDocument.head.append(script);
    });
  }

  tell(data) {
    const event = new MessageEvent("message", { data });
    this.dispatchEvent(event);
    if (this.onmessage) this.onmessage(event);
  }

  postMessage(data) {
    this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })));
  }

  terminate() {
    this.frame.remove();
  }
}

if (location.protocol === "file:") {
  window.IFrameWorker = IFrameWorker;
  window.Worker = IFrameWorker;
}
