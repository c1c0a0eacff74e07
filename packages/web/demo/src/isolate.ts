/**
 * On a host that cannot send the headers of cross-origin isolation, a service worker adds them and the
 * page is loaded once more.
 */
export async function isolate(): Promise<void> {
  if (globalThis.crossOriginIsolated || !("serviceWorker" in navigator)) {
    return;
  }
  try {
    await navigator.serviceWorker.register("./isolate.js");
    await navigator.serviceWorker.ready;
    if (sessionStorage.getItem("isolated") === null) {
      sessionStorage.setItem("isolated", "tried");
      location.reload();
    }
  } catch {
    // One thread has to do.
  }
}
