// What the checks and timings of all operators share: memory of the machine at hand (GPU or emulator) with red zones,
// problems with their outputs and double-precision comparison, random inputs.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../include/jclip_cuda.h"

#if defined(JC_GPU)
#include <cuda_runtime.h>
#define CUDA(e)                                                                        \
  do {                                                                                 \
    const cudaError_t e_ = (e);                                                        \
    if (e_ != cudaSuccess) {                                                           \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, cudaGetErrorString(e_)); \
      std::exit(3);                                                                    \
    }                                                                                  \
  } while (0)
#endif

namespace test {

// Memory that kernels see. Where no address sanitizer watches, 256 bytes on either side must come back unchanged.
class Memory {
 public:
  explicit Memory(size_t bytes) : bytes_(bytes) {
#if defined(JC_GPU)
    CUDA(cudaMalloc(reinterpret_cast<void**>(&base_), bytes + 2 * kZone));
    CUDA(cudaMemset(base_, kMark, bytes + 2 * kZone));
#else
    if (posix_memalign(reinterpret_cast<void**>(&base_), 64, bytes + 2 * kZone)) std::abort();
    std::memset(base_, kMark, bytes + 2 * kZone);
#endif
    poison();
  }
  ~Memory() {
#if defined(JC_GPU)
    cudaFree(base_);
#else
    std::free(base_);
#endif
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  size_t bytes() const { return bytes_; }
  template <class T = void>
  T* at() const {
    return reinterpret_cast<T*>(base_ + kZone);
  }
  void upload(const void* from) {
#if defined(JC_GPU)
    CUDA(cudaMemcpy(at(), from, bytes_, cudaMemcpyHostToDevice));
#else
    std::memcpy(at(), from, bytes_);
#endif
  }
  void poison() {  // NaN in float, bf16 and double
#if defined(JC_GPU)
    CUDA(cudaMemset(at(), 0xff, bytes_));
#else
    std::memset(at(), 0xff, bytes_);
#endif
  }
  template <class T>
  std::vector<T> download() const {
    std::vector<T> v(bytes_ / sizeof(T));
#if defined(JC_GPU)
    CUDA(cudaMemcpy(v.data(), at(), v.size() * sizeof(T), cudaMemcpyDeviceToHost));
#else
    std::memcpy(v.data(), at(), v.size() * sizeof(T));
#endif
    return v;
  }
  bool zones_intact() const {
    std::vector<unsigned char> zone(2 * kZone);
#if defined(JC_GPU)
    CUDA(cudaMemcpy(zone.data(), base_, kZone, cudaMemcpyDeviceToHost));
    CUDA(cudaMemcpy(zone.data() + kZone, base_ + kZone + bytes_, kZone, cudaMemcpyDeviceToHost));
#else
    if (kZone) std::memcpy(zone.data(), base_, kZone), std::memcpy(zone.data() + kZone, base_ + kZone + bytes_, kZone);
#endif
    return std::all_of(zone.begin(), zone.end(), [](unsigned char c) { return c == kMark; });
  }

 private:
#if defined(__SANITIZE_ADDRESS__)
  static constexpr size_t kZone = 0;  // the sanitizer guards the exact size
#else
  static constexpr size_t kZone = 256;
#endif
  static constexpr unsigned char kMark = 0x5a;
  unsigned char* base_ = nullptr;
  size_t bytes_;
};

struct Measure {
  std::string what;
  double error, bound;
};

struct Options {
  uint64_t seed = 1;
  int sets = 1;
};

// One operator on one shape: `sets` independent copies of its buffers, of which set 0 is compared.
struct Problem {
  std::string op, shape;
  double bytes = 0, flops = 0;
  std::vector<std::shared_ptr<Memory>> memory;
  std::vector<std::shared_ptr<Memory>> outputs;  // of set 0
  std::function<void()> reset = [] {};           // restores what set 0 changes in place
  std::function<int32_t(jc_context*, int set)> run;
  std::function<std::vector<Measure>()> compare;

  template <class T>
  std::shared_ptr<Memory> input(const std::vector<T>& values) {
    auto m = std::make_shared<Memory>(values.size() * sizeof(T));
    m->upload(values.data());
    memory.push_back(m);
    return m;
  }
  template <class T>
  std::shared_ptr<Memory> output(size_t count, bool compared) {
    auto m = std::make_shared<Memory>(count * sizeof(T));
    memory.push_back(m);
    if (compared) outputs.push_back(m);
    return m;
  }
};

struct Case {
  std::string op;
  bool large;    // for timing: too much for the emulator
  bool mutates;  // small, and reaches every synchronisation of its kernels more than once
  std::function<Problem(const Options&)> make;
};
using Cases = std::vector<Case>;

// ---- numbers ----

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 0x1234567) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  double uniform() { return double(next() >> 11) * 0x1p-53; }
  double normal() {  // four uniforms: close enough to a bell, and cheap
    return (uniform() + uniform() + uniform() + uniform() - 2.0) * 1.7320508075688772;
  }

 private:
  uint64_t state_;
};

inline float from_bf16(jc_bf16 b) {
  const uint32_t u = uint32_t(b) << 16;
  float f;
  std::memcpy(&f, &u, 4);
  return f;
}
inline jc_bf16 to_bf16(float f) {
  uint32_t u;
  std::memcpy(&u, &f, 4);
  if (f != f) return 0x7fff;
  return jc_bf16((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
inline float value(float f) { return f; }
inline float value(jc_bf16 b) { return from_bf16(b); }
template <class T>
T stored(double v);
template <>
inline float stored<float>(double v) {
  return float(v);
}
template <>
inline jc_bf16 stored<jc_bf16>(double v) {
  return to_bf16(float(v));
}

template <class T>
std::vector<T> normals(size_t count, double scale, Random& random, double offset = 0) {
  std::vector<T> v(count);
  for (T& x : v) x = stored<T>(random.normal() * scale + offset);
  return v;
}

// |a - b| / |b| over a group of values; NaN counts as infinite.
class Distance {
 public:
  void add(double a, double b) {
    if (!(std::fabs(a) < INFINITY)) broken_ = true;
    difference_ += (a - b) * (a - b);
    norm_ += b * b;
    ++count_;
  }
  double relative() const {
    return broken_       ? INFINITY
           : count_ == 0 ? 0
           : norm_ == 0  ? (difference_ == 0 ? 0 : INFINITY)
                         : std::sqrt(difference_ / norm_);
  }

 private:
  double difference_ = 0, norm_ = 0;
  size_t count_ = 0;
  bool broken_ = false;
};

// The largest of several errors; NaN is infinite.
inline void worst(double& w, double error) { w = error <= w ? w : (error == error ? error : INFINITY); }

inline std::string text(const char* format, auto... a) {
  char buffer[1024];
  std::snprintf(buffer, sizeof buffer, format, a...);
  return buffer;
}

void add_attention(Cases&);
void add_attention_gradient(Cases&);
void add_contrastive_loss(Cases&);
void add_layer_norm(Cases&);
void add_activation(Cases&);
void add_adamw(Cases&);
void add_conv3x3(Cases&);

}  // namespace test
