// Runs any exported network on .npy files, one an input; its outputs go to OUT-0.npy, OUT-1.npy, ...
// An input of another kind is a picture, which is prepared as the manifest says.
//
// --threads and --requests share the pool among threads and compare every answer with the first;
// --latency prints the milliseconds of each request; --memory the resident MiB before and after.
#include <atomic>
#include <chrono>
#include <thread>

#include "toolkit/picture.hpp"
#include "toolkit/predictor.hpp"
#include "toolkit/program.hpp"

namespace {

using Arrays = std::vector<toolkit::Array>;

struct Options {
  std::vector<std::string> paths;  // PREFIX, OUT, inputs
  int threads = 1, pool = 1, requests = 1;
  bool latency = false, memory = false;
};

Options parse(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto number = [&] {
      if (i + 1 == words.size()) throw toolkit::Error(words[i] + " needs a number");
      return static_cast<int>(toolkit::to_number(words[++i]));
    };
    if (words[i] == "--threads") options.threads = number();
    else if (words[i] == "--pool") options.pool = number();
    else if (words[i] == "--requests") options.requests = number();
    else if (words[i] == "--latency") options.latency = true;
    else if (words[i] == "--memory") options.memory = true;
    else options.paths.push_back(words[i]);
  }
  if (options.paths.size() < 3) throw toolkit::Error("give PREFIX, OUT and the inputs");
  return options;
}

toolkit::Array read_input(const toolkit::Manifest& manifest, const std::string& path) {
  const std::string suffix = ".npy";
  if (path.size() > suffix.size() && path.compare(path.size() - 4, 4, suffix) == 0)
    return toolkit::read_npy(path);
  return toolkit::prepare_picture(manifest, path);
}

double resident_mib() {
  std::istringstream words(toolkit::read_file("/proc/self/statm"));
  double pages = 0;
  words >> pages >> pages;
  return pages * 4096 / (1 << 20);
}

double largest_difference(const Arrays& left, const Arrays& right) {
  double most = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i].shape != right[i].shape) return HUGE_VAL;
    for (std::size_t k = 0; k < left[i].count(); ++k)
      most = std::max(most, std::abs(left[i].at(k) - right[i].at(k)));
  }
  return most;
}

// All requests, spread over the threads; any answer other than `wanted` is an error.
void share(toolkit::Pool& pool, const Arrays& inputs, const Arrays& wanted, const Options& options) {
  std::atomic<int> next{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < options.threads; ++t)
    threads.emplace_back([&] {
      while (next++ < options.requests)
        if (!(largest_difference(pool(inputs), wanted) <= 1e-5)) ++wrong;
    });
  for (std::thread& thread : threads) thread.join();
  if (wrong) throw toolkit::Error(std::to_string(wrong) + " wrong answers");
}

void time_requests(toolkit::Pool& pool, const Arrays& inputs, int requests) {
  for (int i = 0; i < requests; ++i) {
    const auto start = std::chrono::steady_clock::now();
    pool(inputs);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    std::printf("%.4f\n", time.count());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const char* usage = "PREFIX OUT INPUT... [--pool N] [--threads N] [--requests N] [--latency] [--memory]";
  return toolkit::run_program(argc, argv, 3, usage, [](const auto& words) {
    const Options options = parse(words);
    toolkit::prepare();
    toolkit::Pool pool(options.paths[0], options.pool);
    Arrays inputs;
    for (std::size_t i = 2; i < options.paths.size(); ++i)
      inputs.push_back(read_input(pool.manifest(), options.paths[i]));
    const Arrays outputs = pool(inputs);
    for (std::size_t i = 0; i < outputs.size(); ++i)
      toolkit::write_npy(options.paths[1] + "-" + std::to_string(i) + ".npy", outputs[i]);
    if (options.latency) return time_requests(pool, inputs, options.requests);
    share(pool, inputs, outputs, options);  // also what has to be settled before memory is flat
    const double before = resident_mib();
    share(pool, inputs, outputs, options);
    if (options.memory) std::printf("%.1f %.1f\n", before, resident_mib());
  });
}
