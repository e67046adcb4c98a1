// Picture files: JPEG and PNG where the libraries were found at build time, binary PPM always.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "toolkit/image.hpp"

#ifdef TOOLKIT_JPEG
#include <jpeglib.h>

#include <csetjmp>
#endif
#ifdef TOOLKIT_PNG
#include <png.h>
#endif

namespace toolkit {

namespace detail {

constexpr long kMostPixels = 89478485;  // as in Python: Pillow's MAX_IMAGE_PIXELS

inline void check_size(long width, long height, const std::string& path) {
  if (width < 1 || height < 1 || width * height > kMostPixels)
    throw Error("cannot read " + path + ": no picture, or one of too many pixels");
}

// Turns and mirrors as an EXIF orientation (1 to 8) says.
inline Image upright(const Image& image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  const bool turned = orientation >= 5;
  Image result(turned ? image.width : image.height, turned ? image.height : image.width);
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  for (int y = 0; y < result.height; ++y)
    for (int x = 0; x < result.width; ++x) {
      int from_x = turned ? y : x, from_y = turned ? x : y;
      if (flip_x) from_x = image.width - 1 - from_x;
      if (flip_y) from_y = image.height - 1 - from_y;
      std::copy_n(image.row(from_y) + 3 * from_x, 3, result.row(y) + 3 * x);
    }
  return result;
}

// The orientation in an EXIF block; 1 where it has none or is broken.
inline int exif_orientation(const std::string& exif) {
  if (exif.size() < 14 || exif.compare(0, 6, std::string("Exif\0\0", 6)) != 0) return 1;
  const std::string data = exif.substr(6);
  const bool little = data[0] == 'I';
  const auto number = [&](std::size_t at, int bytes) -> unsigned long {
    unsigned long value = 0;
    if (at + bytes > data.size()) return 0;
    for (int i = 0; i < bytes; ++i) {
      const auto byte = static_cast<unsigned char>(data[at + (little ? bytes - 1 - i : i)]);
      value = value << 8 | byte;
    }
    return value;
  };
  const std::size_t start = number(4, 4);
  const std::size_t count = number(start, 2);
  for (std::size_t i = 0; i < count && start + 2 + 12 * i + 12 <= data.size(); ++i) {
    const std::size_t entry = start + 2 + 12 * i;
    if (number(entry, 2) == 0x0112 && number(entry + 2, 2) == 3)
      return static_cast<int>(number(entry + 8, 2));
  }
  return 1;
}

inline Image decode_ppm(const std::string& data, const std::string& path) {
  std::size_t place = 2;
  long numbers[3] = {};
  for (long& number : numbers) {
    while (place < data.size() && (std::isspace(static_cast<unsigned char>(data[place])) || data[place] == '#')) {
      if (data[place] == '#') place = std::min(data.find('\n', place), data.size() - 1);
      ++place;
    }
    while (place < data.size() && std::isdigit(static_cast<unsigned char>(data[place])) && number < kMostPixels)
      number = 10 * number + (data[place++] - '0');
  }
  ++place;
  check_size(numbers[0], numbers[1], path);
  const std::size_t size = std::size_t(numbers[0]) * numbers[1] * 3;
  if (numbers[2] != 255 || data.size() < place + size)
    throw Error("cannot read " + path + ": cut off, or more than 8 bits a channel");
  Image image(static_cast<int>(numbers[1]), static_cast<int>(numbers[0]));
  std::memcpy(image.pixels.data(), data.data() + place, size);
  return image;
}

#ifdef TOOLKIT_JPEG
struct JpegErrors {
  jpeg_error_mgr manager;
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

inline Image decode_jpeg(const std::string& data, const std::string& path) {
  jpeg_decompress_struct info{};
  JpegErrors errors{};
  Image image;
  std::string exif;
  info.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = [](j_common_ptr common) {
    auto* own = reinterpret_cast<JpegErrors*>(common->err);
    common->err->format_message(common, own->message);
    std::longjmp(own->back, 1);
  };
  errors.manager.output_message = [](j_common_ptr) {};
  if (setjmp(errors.back)) {
    jpeg_destroy_decompress(&info);
    throw Error("cannot read " + path + ": " + errors.message);
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(data.data()), data.size());
  jpeg_save_markers(&info, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&info, TRUE);
  const bool known = info.num_components == 1 || info.num_components == 3;
  const bool fits = long(info.image_width) * long(info.image_height) <= kMostPixels;
  if (!known || !fits) {
    jpeg_destroy_decompress(&info);
    throw Error("cannot read " + path + ": neither gray nor RGB, or too many pixels");
  }
  for (auto* marker = info.marker_list; marker != nullptr; marker = marker->next)
    if (exif.empty()) exif.assign(reinterpret_cast<char*>(marker->data), marker->data_length);
  info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&info);
  image = Image(static_cast<int>(info.output_height), static_cast<int>(info.output_width));
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = image.row(static_cast<int>(info.output_scanline));
    jpeg_read_scanlines(&info, &row, 1);
  }
  const bool damaged = errors.manager.num_warnings > 0;
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  if (damaged) throw Error("cannot read " + path + ": cut off or corrupt");
  return upright(image, exif_orientation(exif));
}
#endif

#ifdef TOOLKIT_PNG
struct PngSource {
  const std::string& data;
  std::size_t place = 0;
};

inline Image decode_png(const std::string& data, const std::string& path) {
  PngSource source{data};
  Image image;
  std::vector<std::uint8_t> rgba;
  std::vector<png_bytep> rows;
  png_structp png = png_create_read_struct(
      PNG_LIBPNG_VER_STRING, nullptr, [](png_structp p, png_const_charp) { png_longjmp(p, 1); },
      [](png_structp, png_const_charp) {});
  png_infop info = png_create_info_struct(png);
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, nullptr);
    throw Error("cannot read " + path + ": cut off or corrupt");
  }
  png_set_read_fn(png, &source, [](png_structp p, png_bytep out, png_size_t count) {
    auto* from = static_cast<PngSource*>(png_get_io_ptr(p));
    if (from->place + count > from->data.size()) png_error(p, "cut off");
    std::memcpy(out, from->data.data() + from->place, count);
    from->place += count;
  });
  png_read_info(png, info);
  const long width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  if (width * height > kMostPixels) png_error(png, "too large");
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_gray_to_rgb(png);
  png_set_add_alpha(png, 255, PNG_FILLER_AFTER);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  rgba.resize(std::size_t(width) * height * 4);
  for (long y = 0; y < height; ++y) rows.push_back(rgba.data() + 4 * width * y);
  png_read_image(png, rows.data());
  png_destroy_read_struct(&png, &info, nullptr);
  image = Image(static_cast<int>(height), static_cast<int>(width));
  for (std::size_t i = 0; i < std::size_t(width) * height; ++i)
    for (int c = 0; c < 3; ++c) {  // over white
      const unsigned alpha = rgba[4 * i + 3], value = rgba[4 * i + c];
      image.pixels[3 * i + c] = static_cast<std::uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
    }
  return image;
}
#endif

}  // namespace detail

// Reads a picture file, upright.
inline Image read_image(const std::string& path) {
  const std::string data = read_file(path);
  if (data.compare(0, 2, "P6") == 0) return detail::decode_ppm(data, path);
#ifdef TOOLKIT_JPEG
  if (data.compare(0, 3, "\xff\xd8\xff") == 0) return detail::decode_jpeg(data, path);
#endif
#ifdef TOOLKIT_PNG
  if (data.compare(0, 4, "\x89PNG") == 0) return detail::decode_png(data, path);
#endif
  throw Error("cannot read " + path + ": not a picture of a kind that this program was built for");
}

}  // namespace toolkit
