// Service worker for hosts that cannot send headers: it adds those of cross-origin isolation to what
// the site itself serves, so that WebAssembly may use threads. It keeps nothing and fetches nothing else.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (new URL(request.url).origin !== self.location.origin) {
    return;
  }
  event.respondWith(
    fetch(request).then((response) => {
      if (response.status === 0) {
        return response;
      }
      const headers = new Headers(response.headers);
      headers.set("Cross-Origin-Opener-Policy", "same-origin");
      headers.set("Cross-Origin-Embedder-Policy", "require-corp");
      const { status, statusText } = response;
      return new Response(response.body, { status, statusText, headers });
    }),
  );
});
