// Pictures: decoding, resizing as OpenCV does it bit for bit, and the steps of an ImagePreset.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "toolkit/manifest.hpp"

namespace toolkit {

// (height, width, 3) bytes, RGB.
struct Image {
  int height = 0, width = 0;
  std::vector<std::uint8_t> pixels;

  Image() = default;
  Image(int h, int w) : height(h), width(w), pixels(std::size_t(h) * w * 3) {}

  std::uint8_t* row(int y) { return pixels.data() + std::size_t(y) * width * 3; }
  const std::uint8_t* row(int y) const { return pixels.data() + std::size_t(y) * width * 3; }
};

inline Image crop_center(const Image& image, int height, int width) {
  if (height > image.height || width > image.width) throw Error("the crop exceeds the picture");
  Image result(height, width);
  const int top = (image.height - height) / 2, left = (image.width - width) / 2;
  for (int y = 0; y < height; ++y)
    std::copy_n(image.row(top + y) + 3 * left, 3 * width, result.row(y));
  return result;
}

namespace detail {

constexpr int kBits = 11;  // of OpenCV's fixed-point weights
constexpr int kOne = 1 << kBits;

inline std::uint8_t to_byte(long value) {
  return static_cast<std::uint8_t>(std::clamp(value, 0L, 255L));
}

// What one position of the result takes from the source: `first` and the weights from there on.
struct Taps {
  int first = 0;
  std::vector<double> weights;

  // The weights themselves, or for int in OpenCV's fixed point.
  template <typename Number>
  std::vector<Number> as() const {
    std::vector<Number> result;
    for (const double weight : weights)
      result.push_back(std::is_same_v<Number, int>
                           ? static_cast<Number>(std::lrint(weight * kOne))
                           : static_cast<Number>(weight));
    return result;
  }
};

inline std::vector<double> cubic_weights(double x) {
  constexpr double a = -0.75;
  const auto outer = [](double t) { return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a; };
  const auto inner = [](double t) { return ((a + 2) * t - (a + 3)) * t * t + 1; };
  return {outer(1 + x), inner(x), inner(1 - x), outer(2 - x)};
}

// Each position of the result lies at first + x of the source, 0 <= x < 1; for both kinds below.
inline std::vector<Taps> cubic_taps(int from, int to) {
  std::vector<Taps> taps(to);
  for (int i = 0; i < to; ++i) {
    const double place = (i + 0.5) * (1. / (double(to) / from)) - 0.5;
    const int first = static_cast<int>(std::floor(place));
    taps[i] = {first - 1, cubic_weights(place - first)};
  }
  return taps;
}

// `as_area` places them as OpenCV does when asked for the area of pixels while enlarging; `clamp`
// lets those beyond the border be the border's, as OpenCV does for columns but not for rows.
inline std::vector<Taps> linear_taps(int from, int to, bool as_area, bool clamp) {
  const double enlarged = double(to) / from, scale = 1. / enlarged;
  std::vector<Taps> taps(to);
  for (int i = 0; i < to; ++i) {
    float x = static_cast<float>((i + 0.5) * scale - 0.5);
    int first = static_cast<int>(std::floor(x));
    x -= first;
    if (as_area) {
      first = static_cast<int>(std::floor(i * scale));
      x = static_cast<float>((i + 1) - (first + 1) * enlarged);
      x = x <= 0 ? 0.f : x - std::floor(x);
    }
    if (clamp && first < 0) first = 0, x = 0;
    if (clamp && first >= from - 1) first = from - 1, x = 0;
    taps[i] = {first, {1.f - x, x}};
  }
  return taps;
}

// One channel value of a bilinear result from two horizontally resized rows.
inline std::uint8_t blend_linear(const int* const* rows, const std::vector<int>& weights, int x) {
  return to_byte((((weights[0] * (rows[0][x] >> 4)) >> 16) +
                  ((weights[1] * (rows[1][x] >> 4)) >> 16) + 2) >> 2);
}

// Resizes rows before columns. `Number` is what is added up: int for OpenCV's fixed point, double
// for bicubic, which OpenCV's builds for x86 leave to a library that computes with real weights.
template <typename Number>
Image resize_interpolated(const Image& image, int height, int width, bool as_area) {
  constexpr bool fixed = std::is_same_v<Number, int>;
  constexpr int count = fixed ? 2 : 4;
  const auto columns =
      fixed ? linear_taps(image.width, width, as_area, true) : cubic_taps(image.width, width);
  const auto lines =
      fixed ? linear_taps(image.height, height, as_area, false) : cubic_taps(image.height, height);
  std::vector<std::vector<Number>> across, down;
  for (const Taps& taps : columns) across.push_back(taps.as<Number>());
  for (const Taps& taps : lines) down.push_back(taps.as<Number>());
  std::vector<std::vector<Number>> cache(count, std::vector<Number>(3 * width));
  std::vector<int> cached(count, -1);
  const auto resized_row = [&](int y) -> const Number* {
    std::vector<Number>& line = cache[y % count];
    if (cached[y % count] == y) return line.data();
    cached[y % count] = y;
    const std::uint8_t* source = image.row(y);
    for (int x = 0; x < width; ++x) {
      Number sum[3] = {};
      for (int k = 0; k < count; ++k) {
        const std::uint8_t* pixel =
            source + 3 * std::clamp(columns[x].first + k, 0, image.width - 1);
        for (int c = 0; c < 3; ++c) sum[c] += pixel[c] * across[x][k];
      }
      std::copy_n(sum, 3, line.data() + 3 * x);
    }
    return line.data();
  };
  Image result(height, width);
  const Number* rows[count];
  for (int y = 0; y < height; ++y) {
    for (int k = 0; k < count; ++k)
      rows[k] = resized_row(std::clamp(lines[y].first + k, 0, image.height - 1));
    for (int x = 0; x < 3 * width; ++x) {
      if constexpr (fixed) {
        result.row(y)[x] = blend_linear(rows, down[y], x);
      } else {
        Number sum = 0;
        for (int k = 0; k < count; ++k) sum += rows[k][x] * down[y][k];
        result.row(y)[x] = to_byte(std::lrint(sum));
      }
    }
  }
  return result;
}

// The pixels that each position covers, with their shares.
inline std::vector<Taps> area_taps(int from, int to) {
  const double scale = double(from) / to;
  std::vector<Taps> result(to);
  for (int i = 0; i < to; ++i) {
    const double start = i * scale, end = start + scale, covered = std::min(scale, from - start);
    const int last = std::min(static_cast<int>(std::floor(end)), from - 1);
    const int first = std::min(static_cast<int>(std::ceil(start)), last);
    Taps& taps = result[i];
    taps.first = first;
    if (first - start > 1e-3) {
      taps.first = first - 1;
      taps.weights.push_back(static_cast<float>((first - start) / covered));
    }
    for (int k = first; k < last; ++k) taps.weights.push_back(static_cast<float>(1. / covered));
    if (end - last > 1e-3)
      taps.weights.push_back(
          static_cast<float>(std::min(std::min(end - last, 1.), covered) / covered));
  }
  return result;
}

inline Image shrink_by_area(const Image& image, int height, int width) {
  const auto columns = area_taps(image.width, width), lines = area_taps(image.height, height);
  Image result(height, width);
  std::vector<float> line(3 * width), sum(3 * width);
  for (int y = 0; y < height; ++y) {
    for (std::size_t k = 0; k < lines[y].weights.size(); ++k) {
      const std::uint8_t* source = image.row(lines[y].first + static_cast<int>(k));
      std::fill(line.begin(), line.end(), 0.f);
      for (int x = 0; x < width; ++x)
        for (std::size_t j = 0; j < columns[x].weights.size(); ++j)
          for (int c = 0; c < 3; ++c) {
            const float product = source[3 * (columns[x].first + static_cast<int>(j)) + c] *
                                  static_cast<float>(columns[x].weights[j]);
            line[3 * x + c] += product;
          }
      for (int x = 0; x < 3 * width; ++x) {
        const float product = line[x] * static_cast<float>(lines[y].weights[k]);
        sum[x] = k == 0 ? product : sum[x] + product;
      }
    }
    for (int x = 0; x < 3 * width; ++x) result.row(y)[x] = to_byte(std::lrint(sum[x]));
  }
  return result;
}

// Shrinking by whole numbers: the mean of each cell.
inline Image shrink_by_cells(const Image& image, int height, int width) {
  const int rows = image.height / height, columns = image.width / width;
  const float share = 1.f / float(rows * columns);
  Image result(height, width);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < 3 * width; ++x) {
      int sum = 0;
      for (int i = 0; i < rows; ++i)
        for (int j = 0; j < columns; ++j)
          sum += image.row(y * rows + i)[3 * (x / 3 * columns + j) + x % 3];
      result.row(y)[x] = rows == 2 && columns == 2 ? to_byte((sum + 2) >> 2)
                                                   : to_byte(std::lrint(float(sum) * share));
    }
  return result;
}

inline Image resize_nearest(const Image& image, int height, int width) {
  Image result(height, width);
  const double down = 1. / (double(height) / image.height), across = 1. / (double(width) / image.width);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int from = std::min(static_cast<int>(std::floor(x * across)), image.width - 1);
      const int line = std::min(static_cast<int>(std::floor(y * down)), image.height - 1);
      std::copy_n(image.row(line) + 3 * from, 3, result.row(y) + 3 * x);
    }
  return result;
}

}  // namespace detail

// Resizes to exactly this size, whatever the aspect. Nearest, bilinear and area give OpenCV's bytes,
// bicubic those of its builds for x86 up to rare ties; Lanczos is not implemented.
inline Image resize(const Image& image, int height, int width, const std::string& interpolation) {
  if (image.height == height && image.width == width) return image;
  if (interpolation == "nearest") return detail::resize_nearest(image, height, width);
  if (interpolation == "bicubic")
    return detail::resize_interpolated<double>(image, height, width, false);
  const bool shrinks = image.height >= height && image.width >= width;
  const bool in_cells = image.height % height == 0 && image.width % width == 0;
  const bool halves = in_cells && image.height == 2 * height && image.width == 2 * width;
  if (halves || (interpolation == "area" && in_cells))
    return detail::shrink_by_cells(image, height, width);
  if (interpolation == "bilinear")
    return detail::resize_interpolated<int>(image, height, width, false);
  if (interpolation != "area")
    throw Error("interpolation '" + interpolation + "' is not one of nearest, bilinear, bicubic, " +
                "area; resize the picture beforehand");
  return shrinks ? detail::shrink_by_area(image, height, width)
                 : detail::resize_interpolated<int>(image, height, width, true);
}

// The part of the picture that the network sees.
inline Image crop_for(const ImagePreset& preset, const Image& image) {
  constexpr long kLongest = 16;  // of longer pictures the middle is taken
  if (!preset.resize) return resize(image, preset.height, preset.width, preset.interpolation);
  const Image middle =
      crop_center(image, static_cast<int>(std::min<long>(image.height, kLongest * image.width)),
                  static_cast<int>(std::min<long>(image.width, kLongest * image.height)));
  const long side = *preset.resize, high = middle.height, wide = middle.width;
  const Image small =
      high > wide ? resize(middle, int(side * high / wide), int(side), preset.interpolation)
                  : resize(middle, int(side), int(side * wide / high), preset.interpolation);
  return crop_center(small, preset.height, preset.width);
}

// (3, height, width): the picture as the network takes it.
inline std::vector<float> prepare_image(const ImagePreset& preset, const Image& image) {
  const Image seen = crop_for(preset, image);
  const std::size_t plane = std::size_t(seen.height) * seen.width;
  std::vector<float> result(3 * plane);
  for (int c = 0; c < 3; ++c)
    for (std::size_t i = 0; i < plane; ++i)
      result[c * plane + i] = (float(seen.pixels[3 * i + c]) / 255.f - preset.mean[c]) / preset.std[c];
  return result;
}

}  // namespace toolkit
