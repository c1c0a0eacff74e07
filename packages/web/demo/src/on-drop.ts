/** Takes files that are dropped anywhere on the page. */
export function onDrop(take: (files: readonly File[]) => void): void {
  const page = document.documentElement;
  page.addEventListener("dragover", (event) => {
    event.preventDefault();
    page.classList.add("dropping");
  });
  page.addEventListener("dragleave", ({ relatedTarget }) => {
    // From one element to another the files are still over the page.
    page.classList.toggle("dropping", relatedTarget !== null);
  });
  page.addEventListener("drop", (event) => {
    event.preventDefault();
    page.classList.remove("dropping");
    take([...(event.dataTransfer?.files ?? [])]);
  });
}
