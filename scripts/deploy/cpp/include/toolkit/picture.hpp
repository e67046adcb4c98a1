// From a picture file to the input of a network.
#pragma once

#include <string>

#include "toolkit/array.hpp"
#include "toolkit/decode.hpp"
#include "toolkit/image.hpp"
#include "toolkit/manifest.hpp"

namespace toolkit {

// (1, 3, height, width): the picture as the network of this manifest takes it.
inline Array prepare_picture(const Manifest& manifest, const std::string& path) {
  const auto& preset = manifest.preprocess;
  if (!preset) throw Error(manifest.name + " does not say how pictures are prepared");
  const Shape shape = {1, 3, std::uint32_t(preset->height), std::uint32_t(preset->width)};
  return Array(shape, prepare_image(*preset, read_image(path)), dtype_named("float32"));
}

}  // namespace toolkit
