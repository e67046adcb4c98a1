// Names the class of a text, given as token ids: "2 1045 2572 3", and segments where there are two.
//
// The network takes tokens (N, T), segments (N, T) and valid_length (N,), in this order. T is the
// length that it was exported for: shorter texts are padded with zeros.
#include <sstream>

#include "toolkit/predictor.hpp"
#include "toolkit/program.hpp"

namespace {

std::vector<float> to_ids(const std::string& text) {
  std::vector<float> ids;
  std::istringstream words(text);
  for (std::string word; words >> word;) ids.push_back(static_cast<float>(toolkit::to_number(word)));
  return ids;
}

}  // namespace

int main(int argc, char** argv) {
  return toolkit::run_program(argc, argv, 2, "PREFIX TOKENS [SEGMENTS] [TOP]", [](const auto& words) {
    toolkit::prepare();
    toolkit::Pool pool(words[0]);
    const auto& specs = pool.manifest().inputs;
    if (specs.size() != 3 || !specs[0].shape || specs[0].shape->size() != 2)
      throw toolkit::Error(words[0] + " does not take tokens, segments and valid_length");
    std::vector<float> tokens = to_ids(words[1]);
    std::vector<float> segments = to_ids(words.size() > 2 ? words[2] : "");
    const std::size_t valid = tokens.size();
    const long length = (*specs[0].shape)[1];
    const std::size_t padded = length == toolkit::TensorSpec::kAny ? valid : std::size_t(length);
    if (valid == 0 || valid > padded || segments.size() > valid)
      throw toolkit::Error(std::to_string(valid) + " tokens and " + std::to_string(segments.size()) +
                           " segments for a network of " + std::to_string(padded) + " tokens");
    tokens.resize(padded);
    segments.resize(padded);
    const auto& type = toolkit::dtype_named("float32");
    const toolkit::Shape shape = {1, std::uint32_t(padded)};
    const auto outputs = pool({{shape, tokens, type}, {shape, segments, type},
                               {{1}, std::vector<float>{float(valid)}, type}});
    const double top = words.size() > 3 ? toolkit::to_number(words[3]) : 5;
    toolkit::print_classes(pool.manifest(), outputs[0], static_cast<std::size_t>(top));
  });
}
