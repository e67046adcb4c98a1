// What the example programs share: one line for an error, and the classes of a row of scores.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <numeric>
#include <string>
#include <vector>

#include "toolkit/array.hpp"
#include "toolkit/manifest.hpp"

namespace toolkit {

constexpr int kUserError = 2;  // the status of a program that was given something wrong

// Calls `body` with the words of the command line; at least `needed` of them, or `usage` is shown.
template <typename Body>
int run_program(int argc, char** argv, int needed, const char* usage, Body body) {
  if (argc - 1 < needed) {
    std::fprintf(stderr, "usage: %s %s\n", argv[0], usage);
    return kUserError;
  }
  try {
    body(std::vector<std::string>(argv + 1, argv + argc));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return kUserError;
  }
}

// A number from the command line.
inline double to_number(const std::string& text) {
  std::size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size()) throw Error("'" + text + "' is not a number");
  return value;
}

// Softmax of a row of scores, or the row itself where it is a distribution already.
inline std::vector<double> to_probabilities(const std::vector<double>& scores) {
  const double sum = std::accumulate(scores.begin(), scores.end(), 0.0);
  const double least = *std::min_element(scores.begin(), scores.end());
  if (least >= 0 && std::abs(sum - 1) <= 1e-3) return scores;
  const double most = *std::max_element(scores.begin(), scores.end());
  std::vector<double> result(scores.size());
  std::transform(scores.begin(), scores.end(), result.begin(),
                 [&](double score) { return std::exp(score - most); });
  const double total = std::accumulate(result.begin(), result.end(), 0.0);
  for (double& value : result) value /= total;
  return result;
}

// Prints the `top` most probable classes of the first row: index, name, probability.
inline void print_classes(const Manifest& manifest, const Array& scores, std::size_t top) {
  if (scores.shape.size() != 2)
    throw Error("a classifier gives scores (N, classes), this network gave " + describe(scores.shape));
  std::vector<double> row(scores.shape[1]);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = scores.at(i);
  if (std::any_of(row.begin(), row.end(), [](double x) { return std::isnan(x); }))
    throw Error("the scores are not a number (NaN)");
  const std::vector<double> probs = to_probabilities(row);
  std::vector<std::size_t> order(row.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return probs[a] > probs[b]; });
  order.resize(std::min(top, order.size()));
  for (const std::size_t i : order)
    std::printf("%zu\t%s\t%.7f\n", i, manifest.label(i).c_str(), probs[i]);
}

}  // namespace toolkit
