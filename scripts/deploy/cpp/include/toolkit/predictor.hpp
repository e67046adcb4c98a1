// Runs exported networks from C++17 through MXNet's C predict API.
//
//   toolkit::prepare();
//   toolkit::Pool pool("exports/resnet50", 4);          // four threads at once
//   std::vector<toolkit::Array> outputs = pool({batch});  // from any thread
#pragma once

#include <cstdint>
// The API's headers use uint32_t and leave the include to us.
#include <mxnet/c_api.h>
#include <mxnet/c_predict_api.h>

#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#ifdef __linux__
#include <malloc.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "toolkit/array.hpp"
#include "toolkit/manifest.hpp"

namespace toolkit {

// What Python does as it imports the toolkit, as far as a running program can: call it first in
// main(). The rest are environment variables, which `toolkit deploy-info --env` prints.
inline void prepare() {
  setenv("MXNET_SUBGRAPH_VERBOSE", "0", 0);  // no line on stderr for each graph that is fused
#ifdef __GLIBC__
  // Freed arrays are kept, not mapped anew each time; older glibc takes at most 32 MB. One arena:
  // those of other threads are unmapped as soon as they are empty.
  if (!mallopt(M_MMAP_THRESHOLD, 1 << 30)) mallopt(M_MMAP_THRESHOLD, 1 << 25);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_ARENA_MAX, 1);
#endif
#if defined(__linux__) && defined(__x86_64__)
  const std::string flags = read_file("/proc/cpuinfo");
  constexpr long kRequest = 0x1023, kTileData = 18;
  if (flags.find("amx_int8") != std::string::npos && flags.find("amx_bf16") != std::string::npos &&
      syscall(SYS_arch_prctl, kRequest, kTileData) == 0)
    setenv("DNNL_MAX_CPU_ISA", "AVX512_CORE_AMX", 0);
#endif
}

namespace detail {

// MXNet's last error on this thread, cut to what went wrong, on one line.
inline std::string last_error() {
  std::string text = MXGetLastError();
  const std::size_t place = text.rfind("Error: ");
  if (place != std::string::npos) text = text.substr(place + 7);
  text = text.substr(0, text.find("Stack trace"));
  if (text.compare(0, 1, "[") == 0) text = text.substr(std::min(text.find("] ") + 2, text.size()));
  std::string line;
  for (const char c : text) line += c == '\n' ? ' ' : c;
  const std::size_t end = line.find_last_not_of(' ');
  return end == std::string::npos ? "MXNet gave no reason" : line.substr(0, end + 1);
}

inline void check(int status) {
  if (status != 0) throw Error(last_error());
}

// The names of the arrays in a .params file; empty where it holds others than dense arrays.
inline std::set<std::string> array_names(const std::string& data) {
  std::size_t place = 16;
  const auto take = [&](int bytes) {
    std::uint64_t value = 0;
    if (place + bytes > data.size()) throw Error("the file of parameters is cut off");
    std::memcpy(&value, data.data() + place, bytes);
    place += bytes;
    return value;
  };
  if (data.size() < 24) throw Error("the file of parameters is cut off");
  std::set<std::string> names;
  for (std::uint64_t left = take(8); left > 0; --left) {
    if (take(4) != 0xF993FAC9 || take(4) != 0) return {};
    Shape shape(take(4));
    for (std::uint32_t& axis : shape) axis = static_cast<std::uint32_t>(take(8));
    place += 8;  // the device that it was saved from
    place += dtype_flagged(static_cast<int>(take(4))).size * count_of(shape);
  }
  for (std::uint64_t left = take(8); left > 0; --left) {
    const std::uint64_t length = take(8);
    if (length > data.size() - place) throw Error("the file of parameters is cut off");
    const std::string key = data.substr(place, length);
    names.insert(key.substr(key.find(':') + 1));
    place += length;
  }
  return names;
}

// The files of one export, checked.
struct Files {
  Manifest manifest;
  std::string symbol, params;

  explicit Files(const std::string& prefix) : manifest(Manifest::read(prefix)) {
    symbol = manifest.read_checked(prefix, "-symbol.json");
    params = manifest.read_checked(prefix, "-0000.params");
    if (params.size() > 0x7FFFFFFF)
      throw Error(prefix + "-0000.params exceeds the 2 GiB that the C predict API takes");
    check_names(prefix);
  }

 private:
  // The C predict API fills what is missing with zeros.
  void check_names(const std::string& prefix) const {
    std::set<std::string> names = array_names(params);
    if (names.empty()) return;
    for (const TensorSpec& input : manifest.inputs) names.insert(input.name);
    const Json graph = Json::parse(symbol);
    for (const Json& node : graph.at("nodes")) {
      const std::string name = node.at("name");
      if (node.at("op") == "null" && names.count(name) == 0)
        throw Error(prefix + "-0000.params has no array for '" + name + "', which the graph needs");
    }
  }
};

// One bound graph; serves one thread at a time.
class Executor {
 public:
  Executor(const Files& files, const std::vector<Shape>& shapes) : files_(files) {
    Keys keys(files.manifest, shapes);
    check(MXPredCreateEx(files.symbol.c_str(), files.params.data(),
                         static_cast<int>(files.params.size()), kCpu, 0, keys.count(),
                         keys.names.data(), keys.starts.data(), keys.axes.data(), keys.count(),
                         keys.names.data(), keys.flags.data(), &handle_));
    shapes_ = shapes;
  }
  ~Executor() { MXPredFree(handle_); }
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  const std::vector<Shape>& shapes() const { return shapes_; }

  // Plans the graph for other shapes; the parameters stay where they are.
  void reshape(const std::vector<Shape>& shapes) {
    Keys keys(files_.manifest, shapes);
    PredictorHandle other = nullptr;
    check(MXPredReshape(keys.count(), keys.names.data(), keys.starts.data(), keys.axes.data(),
                        handle_, &other));
    MXPredFree(std::exchange(handle_, other));
    shapes_ = shapes;
  }

  std::vector<Array> run(const std::vector<Array>& inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i)
      check(MXPredSetInput(handle_, files_.manifest.inputs[i].name.c_str(),
                           reinterpret_cast<const float*>(inputs[i].bytes.data()),
                           static_cast<std::uint32_t>(inputs[i].count())));
    check(MXPredForward(handle_));
    std::vector<Array> outputs;
    for (std::uint32_t i = 0; i < files_.manifest.outputs.size(); ++i) outputs.push_back(output(i));
    return outputs;
  }

 private:
  static constexpr int kCpu = 1;

  // The inputs as the C functions want them.
  struct Keys {
    std::vector<const char*> names;
    std::vector<std::uint32_t> starts{0}, axes;
    std::vector<int> flags;

    Keys(const Manifest& manifest, const std::vector<Shape>& shapes) {
      for (std::size_t i = 0; i < shapes.size(); ++i) {
        names.push_back(manifest.inputs[i].name.c_str());
        axes.insert(axes.end(), shapes[i].begin(), shapes[i].end());
        starts.push_back(static_cast<std::uint32_t>(axes.size()));
        flags.push_back(dtype_named(manifest.inputs[i].dtype).flag);
      }
    }
    std::uint32_t count() const { return static_cast<std::uint32_t>(names.size()); }
  };

  Array output(std::uint32_t index) const {
    std::uint32_t* axes = nullptr;
    std::uint32_t count = 0;
    int flag = 0;
    check(MXPredGetOutputShape(handle_, index, &axes, &count));
    const Shape shape(axes, axes + count);
    check(MXPredGetOutputType(handle_, index, &flag));
    Array array(shape, dtype_flagged(flag));
    check(MXPredGetOutput(handle_, index, reinterpret_cast<float*>(array.bytes.data()),
                          static_cast<std::uint32_t>(array.count())));
    return array;
  }

  const Files& files_;
  PredictorHandle handle_ = nullptr;
  std::vector<Shape> shapes_;
};

}  // namespace detail

// An exported network that any number of threads may call.
//
// `size` calls run at once, the others wait; each of the `size` has parameters of its own, since
// MXNet rearranges them in place. A graph is planned for the shapes of its last call.
class Pool {
 public:
  // Reads PREFIX-manifest.json, PREFIX-symbol.json and PREFIX-0000.params; throws Error.
  explicit Pool(const std::string& prefix, std::size_t size = 1)
      : files_(prefix), free_(std::max<std::size_t>(size, 1)) {}

  // Weights may still be on their way into oneDNN's layout after the outputs are there; a process
  // that ends meanwhile takes MXNet's threads down in the middle of it.
  ~Pool() {
    MXNDArrayWaitAll();
    free_.clear();
    MXNDArrayWaitAll();
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  const Manifest& manifest() const { return files_.manifest; }

  // Runs the network on one array an input, in the manifest's order. Throws Error where they do
  // not fit the network; the pool remains usable.
  std::vector<Array> operator()(const std::vector<Array>& inputs) {
    const std::vector<Array> arrays = checked(inputs);
    std::vector<Shape> shapes;
    for (const Array& array : arrays) shapes.push_back(array.shape);
    Lease lease(*this);
    try {
      if (!lease.executor)
        lease.executor = std::make_unique<detail::Executor>(files_, shapes);
      else if (lease.executor->shapes() != shapes)
        lease.executor->reshape(shapes);
      return lease.executor->run(arrays);
    } catch (const Error& error) {
      lease.executor.reset();
      throw Error(manifest().name + " failed on " + describe_all(arrays) + "; it was exported for " +
                  describe_specs() + ": " + error.what());
    }
  }

 private:
  using Slot = std::unique_ptr<detail::Executor>;

  // An executor, or the right to make one, taken from the pool for the time of a call.
  struct Lease {
    explicit Lease(Pool& from) : pool(from) {
      std::unique_lock<std::mutex> lock(pool.mutex_);
      pool.returned_.wait(lock, [&] { return !pool.free_.empty(); });
      executor = std::move(pool.free_.back());
      pool.free_.pop_back();
    }
    ~Lease() {
      {
        const std::lock_guard<std::mutex> lock(pool.mutex_);
        pool.free_.push_back(std::move(executor));
      }
      pool.returned_.notify_one();
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    Pool& pool;
    Slot executor;
  };

  std::vector<Array> checked(const std::vector<Array>& inputs) const {
    const std::vector<TensorSpec>& specs = manifest().inputs;
    if (inputs.size() != specs.size())
      throw Error(manifest().name + " has " + std::to_string(specs.size()) + " inputs (" +
                  describe_specs() + "), got " + std::to_string(inputs.size()) + " arrays");
    std::vector<Array> arrays;
    for (std::size_t i = 0; i < specs.size(); ++i) {
      if (specs[i].shape && specs[i].shape->size() != inputs[i].shape.size())
        throw Error("input " + specs[i].describe() + " has " +
                    std::to_string(specs[i].shape->size()) + " axes, got the shape " +
                    toolkit::describe(inputs[i].shape));
      if (inputs[i].count() == 0) throw Error("input " + specs[i].name + " is empty");
      arrays.push_back(inputs[i].as(dtype_named(specs[i].dtype)));
    }
    return arrays;
  }

  std::string describe_all(const std::vector<Array>& arrays) const {
    std::string text;
    for (std::size_t i = 0; i < arrays.size(); ++i)
      text += (i ? ", " : "") + manifest().inputs[i].name + " " + describe(arrays[i].shape);
    return text;
  }

  std::string describe_specs() const {
    std::string text;
    for (const TensorSpec& spec : manifest().inputs) text += (text.empty() ? "" : "; ") + spec.describe();
    return text;
  }

  const detail::Files files_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<Slot> free_;
};

}  // namespace toolkit
