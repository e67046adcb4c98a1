// What an export says of itself: inputs, outputs, preprocessing, class names, hashes of its files.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace toolkit {

using Json = nlohmann::json;

// Anything a user can put right; the message is one line.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct TensorSpec {
  static constexpr long kAny = -1;  // an axis of any length

  std::string name;
  std::string dtype;
  std::optional<std::vector<long>> shape;  // absent: not known

  std::string describe() const {
    std::string text = name + " (";
    if (!shape) return text + dtype + ")";
    for (std::size_t i = 0; i < shape->size(); ++i)
      text += (i ? ", " : "") + ((*shape)[i] == kAny ? "any" : std::to_string((*shape)[i]));
    return text + ") " + dtype;
  }
};

// How a picture becomes an input; the fields of the toolkit's ImagePreset.
struct ImagePreset {
  int height = 0, width = 0;
  std::optional<int> resize;  // the shorter side before the crop; absent: straight to the size
  std::string interpolation;
  float mean[3] = {}, std[3] = {};
};

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(path + " is missing or cannot be read");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The 64 lower-case hexadecimal digits of the hash of `data`.
inline std::string sha256(const std::string& data) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (EVP_Digest(data.data(), data.size(), hash, &length, EVP_sha256(), nullptr) != 1)
    throw Error("OpenSSL computes no SHA-256 here");
  std::string digits;
  for (unsigned int i = 0; i < length; ++i) {
    digits += "0123456789abcdef"[hash[i] >> 4];
    digits += "0123456789abcdef"[hash[i] & 15];
  }
  return digits;
}

struct Manifest {
  struct File {
    std::string sha256;
    std::size_t size = 0;
  };

  static constexpr int kFormat = 1;

  std::string name;
  std::vector<TensorSpec> inputs, outputs;
  std::optional<ImagePreset> preprocess;
  std::vector<std::string> labels;  // empty: classes have no names
  std::map<std::string, File> files;

  // Reads PREFIX-manifest.json.
  static Manifest read(const std::string& prefix);

  // Reads PREFIX + `suffix` and compares it with what is written down of it.
  std::string read_checked(const std::string& prefix, const std::string& suffix) const {
    const std::string path = prefix + suffix;
    std::string data = read_file(path);
    const auto entry = files.find(suffix);
    if (entry != files.end() &&
        (data.size() != entry->second.size || sha256(data) != entry->second.sha256))
      throw Error(path + " is not the file that " + prefix +
                  "-manifest.json describes (size or sha256 differs): export again");
    return data;
  }

  std::string label(std::size_t index) const {
    return index < labels.size() ? labels[index] : "class " + std::to_string(index);
  }
};

inline void from_json(const Json& value, TensorSpec& spec) {
  value.at("name").get_to(spec.name);
  value.at("dtype").get_to(spec.dtype);
  const Json& shape = value.at("shape");
  if (shape.is_null()) return;
  spec.shape.emplace();
  for (const Json& axis : shape)
    spec.shape->push_back(axis.is_null() ? TensorSpec::kAny : axis.get<long>());
}

inline void from_json(const Json& value, ImagePreset& preset) {
  value.at("size").at(0).get_to(preset.height);
  value.at("size").at(1).get_to(preset.width);
  if (!value.at("resize").is_null()) preset.resize = value.at("resize").get<int>();
  value.at("interpolation").get_to(preset.interpolation);
  value.at("mean").get_to(preset.mean);
  value.at("std").get_to(preset.std);
  bool usable = preset.height > 0 && preset.width > 0;
  for (const float deviation : preset.std) usable = usable && deviation > 0;
  if (!usable) throw Error("'preprocess' has a size below 1 or a deviation of 0");
}

inline void from_json(const Json& value, Manifest::File& file) {
  value.at("sha256").get_to(file.sha256);
  value.at("size").get_to(file.size);
}

inline void from_json(const Json& value, Manifest& manifest) {
  const int format = value.at("format").get<int>();
  if (format > Manifest::kFormat)
    throw Error("format " + std::to_string(format) + " is newer than this program: it reads " +
                std::to_string(Manifest::kFormat));
  value.at("name").get_to(manifest.name);
  value.at("inputs").get_to(manifest.inputs);
  value.at("outputs").get_to(manifest.outputs);
  const Json& preset = value.at("preprocess");
  if (!preset.is_null()) manifest.preprocess = preset.get<ImagePreset>();
  if (!value.at("labels").is_null()) value.at("labels").get_to(manifest.labels);
  value.at("files").get_to(manifest.files);
}

inline Manifest Manifest::read(const std::string& prefix) {
  const std::string path = prefix + "-manifest.json";
  const std::string text = read_file(path);
  try {
    return Json::parse(text).get<Manifest>();
  } catch (const std::exception& error) {  // of nlohmann::json, or Error
    throw Error(path + ": " + error.what());
  }
}

}  // namespace toolkit
