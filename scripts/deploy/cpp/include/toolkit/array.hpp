// Arrays of numbers of a type known at run time, and their .npy files.
#pragma once

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "toolkit/manifest.hpp"

namespace toolkit {

// A type of numbers: NumPy's name, NumPy's code in .npy files, MXNet's number, bytes.
struct DType {
  const char* name;
  const char* code;
  int flag;
  std::size_t size;
};

inline const std::vector<DType>& dtypes() {
  static const std::vector<DType> rows = {
      {"float32", "<f4", 0, 4}, {"float64", "<f8", 1, 8}, {"float16", "<f2", 2, 2},
      {"uint8", "|u1", 3, 1},   {"int32", "<i4", 4, 4},   {"int8", "|i1", 5, 1},
      {"int64", "<i8", 6, 8},   {"bool", "|b1", 7, 1}};
  return rows;
}

inline const DType& dtype_named(const std::string& name) {
  for (const DType& row : dtypes())
    if (name == row.name || name == row.code) return row;
  throw Error("numbers of type " + name + " are not supported");
}

inline const DType& dtype_flagged(int flag) {
  for (const DType& row : dtypes())
    if (flag == row.flag) return row;
  throw Error("MXNet's type " + std::to_string(flag) + " is not supported");
}

using Shape = std::vector<std::uint32_t>;

inline std::size_t count_of(const Shape& shape) {
  std::size_t count = 1;
  for (const std::uint32_t axis : shape) count *= axis;
  return count;
}

inline std::string describe(const Shape& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

struct Array {
  Shape shape;
  const DType* dtype = &dtypes()[0];
  std::vector<char> bytes;

  Array() = default;
  Array(Shape of, const DType& type) : shape(std::move(of)), dtype(&type) {
    bytes.resize(count_of(shape) * type.size);
  }
  template <typename Number>
  Array(Shape of, const std::vector<Number>& values, const DType& type) : Array(std::move(of), type) {
    if (values.size() * sizeof(Number) != bytes.size())
      throw Error(std::to_string(values.size()) + " values for the shape " + describe(shape));
    std::memcpy(bytes.data(), values.data(), bytes.size());
  }

  std::size_t count() const { return count_of(shape); }

  // The number at `index` of the flat array; half precision is not converted.
  double at(std::size_t index) const {
    const char* place = bytes.data() + index * dtype->size;
    switch (dtype->flag) {
      case 0: return read<float>(place);
      case 1: return read<double>(place);
      case 3: case 7: return read<unsigned char>(place);
      case 4: return read<std::int32_t>(place);
      case 5: return read<signed char>(place);
      case 6: return static_cast<double>(read<std::int64_t>(place));
      default: throw Error(std::string(dtype->name) + " cannot be read as numbers here");
    }
  }

  // The same values as another type.
  Array as(const DType& type) const {
    if (type.flag == dtype->flag) return *this;
    Array result(shape, type);
    for (std::size_t i = 0; i < count(); ++i) result.set(i, at(i));
    return result;
  }

  void set(std::size_t index, double value) {
    char* place = bytes.data() + index * dtype->size;
    switch (dtype->flag) {
      case 0: return write(place, static_cast<float>(value));
      case 1: return write(place, value);
      case 3: case 7: return write(place, static_cast<unsigned char>(value));
      case 4: return write(place, static_cast<std::int32_t>(value));
      case 5: return write(place, static_cast<signed char>(value));
      case 6: return write(place, static_cast<std::int64_t>(value));
      default: throw Error(std::string("numbers cannot be turned into ") + dtype->name + " here");
    }
  }

 private:
  template <typename Number>
  static Number read(const char* place) {
    Number value;
    std::memcpy(&value, place, sizeof value);
    return value;
  }
  template <typename Number>
  static void write(char* place, Number value) {
    std::memcpy(place, &value, sizeof value);
  }
};

// Reads a NumPy file of one little-endian array in C order.
inline Array read_npy(const std::string& path) {
  const std::string data = read_file(path);
  const auto fail = [&](const char* why) { return Error("cannot read " + path + ": " + why); };
  if (data.size() < 12 || data.compare(0, 6, "\x93NUMPY") != 0) throw fail("not an .npy file");
  const auto byte = [&](std::size_t i) { return std::size_t(static_cast<unsigned char>(data[i])); };
  const bool old = byte(6) == 1;
  const std::size_t start = old ? 10 : 12;
  const std::size_t length =
      old ? byte(8) | byte(9) << 8 : byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24;
  const std::string header = data.substr(start, length);
  const auto after = [&](const std::string& key) {
    const std::size_t place = header.find("'" + key + "':");
    if (place == std::string::npos) throw fail("its header is broken");
    return header.substr(header.find_first_not_of(' ', place + key.size() + 3));
  };
  if (after("fortran_order").compare(0, 5, "False") != 0) throw fail("it is in Fortran's order");
  const std::string code = after("descr").substr(1, 3);
  std::string numbers = after("shape");
  numbers = numbers.substr(1, numbers.find(')') - 1);
  Shape shape;
  for (std::size_t place = 0; (place = numbers.find_first_of("0123456789", place)) < numbers.size();) {
    std::size_t used = 0;
    shape.push_back(static_cast<std::uint32_t>(std::stoul(numbers.substr(place), &used)));
    place += used;
  }
  Array array(shape, dtype_named(code));
  if (data.size() < start + length + array.bytes.size()) throw fail("it is cut off");
  std::memcpy(array.bytes.data(), data.data() + start + length, array.bytes.size());
  return array;
}

inline void write_npy(const std::string& path, const Array& array) {
  std::string header = std::string("{'descr': '") + array.dtype->code +
                       "', 'fortran_order': False, 'shape': " + describe(array.shape) + ", }";
  header.resize((header.size() + 11 + 63) / 64 * 64 - 11, ' ');
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file << "\x93NUMPY" << '\1' << '\0' << static_cast<char>(header.size() & 255)
       << static_cast<char>(header.size() >> 8) << header;
  file.write(array.bytes.data(), static_cast<std::streamsize>(array.bytes.size()));
  if (!file) throw Error("cannot write " + path);
}

}  // namespace toolkit
