/** Takes files that are dropped anywhere on the page; `zone` is the part that has a use of its own for them. */
export function onDrop(take: (files: readonly File[], zone: string | undefined) => void): void {
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
    const zone = (event.target as Element).closest<HTMLElement>("[data-drop]")?.dataset["drop"];
    take([...(event.dataTransfer?.files ?? [])], zone);
  });
}
