"""The image: `build` makes it with whatever builds images here, `base` what it stands on where no registry can be reached, `sbom` says
what is in it. `../Dockerfile` is the recipe."""
