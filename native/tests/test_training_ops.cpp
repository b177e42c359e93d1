// Contract test of the small operators of training: batch_norm_train and the gradients of both BatchNorms, of the pools,
// the embedding, l2_normalize and gather_rows (scatter_rows); column_sums, add, fill, clamp, gradient_norm, adamw and
// moving_average. Every instruction set present, against double precision with derived bounds (u = 2^-24: a sum of n
// terms in any order loses at most n u of the sum of magnitudes), byte for byte against itself whatever the number of
// threads, and the double-precision gradients themselves against central differences.
//
// Buffers lie between red zones and outputs and workspaces start as NaN. Each comparison is made twice: the second time
// with one element moved by three bounds, and at least to the next float, which it must notice.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "jclip.h"

namespace {

const char* const kNames[] = {"ref", "avx2", "avx512"};
constexpr double kUnit = 1.0 / (1 << 24);
constexpr int64_t kZone = 64;
constexpr int64_t kThreads[] = {1, 2, 3, 7, 1};  // the first run twice

int failures = 0;
jc_context context;
std::map<std::string, double> worst;  // of each operator: the largest error as a share of its bound

void fail(const std::string& what) {
  if (++failures <= 30) printf("FAILED %s: %s\n", kNames[context.isa], what.c_str());
}

void expect(bool condition, const std::string& what) {
  if (!condition) fail(what);
}

uint64_t state = 88172645463325252ull;
float next() {  // in [-1, 1)
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return static_cast<float>(static_cast<double>(static_cast<int64_t>(state)) * 0x1p-63);
}

// What the numbers of an input are like.
enum Kind { kPlain, kLarge, kTiny, kSame, kOffset, kKinds };
const char* const kKindNames[] = {"plain", "1e4", "denormals and zeros", "identical rows", "mean 1000"};

float number(Kind kind, int64_t i, int64_t width) {
  switch (kind) {
    case kLarge:
      return 1e4f * next();
    case kTiny:
      return i % 3 == 0 ? -0.0f : i % 3 == 1 ? 1e-40f * next() : 1e-3f * next();
    case kSame:
      return static_cast<float>((i % width) % 7) * 0.3f - 0.7f;
    case kOffset:
      return 1000.0f + next();
    default:
      return next();
  }
}

// Floats between two red zones, at an address aligned to 64 bytes; NaN until filled.
class Buffer {
 public:
  explicit Buffer(int64_t count) : count_(count) {
    size_t bytes = static_cast<size_t>((count + 2 * kZone) * 4 + 63) / 64 * 64;
    memory_ = static_cast<float*>(aligned_alloc(64, bytes));
    memset(static_cast<void*>(memory_), 0xff, bytes);
  }
  Buffer(int64_t count, Kind kind, int64_t width, float factor = 1) : Buffer(count) {
    for (int64_t i = 0; i < count; ++i) at(i) = factor * number(kind, i, width);
  }
  Buffer(const Buffer& other) : Buffer(other.count_) { memcpy(data(), other.data(), static_cast<size_t>(count_) * 4); }
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    for (int64_t i = 0; i < kZone; ++i) {
      if (!untouched(-1 - i) || !untouched(count_ + i)) {
        fail("wrote into a red zone");
        break;
      }
    }
    free(memory_);
  }
  float* data() const { return memory_ + kZone; }
  float& at(int64_t i) const { return memory_[kZone + i]; }
  int64_t count() const { return count_; }
  bool untouched(int64_t i) const {
    uint32_t bits;
    memcpy(&bits, memory_ + kZone + i, 4);
    return bits == 0xffffffffu;
  }
  bool all_untouched() const {
    for (int64_t i = 0; i < count_; ++i) {
      if (!untouched(i)) return false;
    }
    return true;
  }

 private:
  int64_t count_;
  float* memory_;
};

bool same_bits(const float* a, const float* b, int64_t n) { return memcmp(a, b, static_cast<size_t>(n) * 4) == 0; }

struct Truth {
  std::vector<double> value;
  std::vector<double> bound;
  void add(double v, double b) {
    value.push_back(v);
    bound.push_back(b + 1e-43);  // a few units of the smallest denormal
  }
};

// The largest error as a share of its bound; infinite where something is not finite.
double share(const float* y, const Truth& truth, int64_t moved) {
  double most = 0;
  for (size_t i = 0; i < truth.value.size(); ++i) {
    double found = y[i];
    if (static_cast<int64_t>(i) == moved)
      found = std::max<double>(found + 3 * truth.bound[i], nextafterf(y[i], INFINITY));
    double error = fabs(found - truth.value[i]);
    if (!(error <= 1e300)) return INFINITY;
    most = std::max(most, error / truth.bound[i]);
  }
  return most;
}

void compare(const std::string& op, const std::string& what, const float* y, const Truth& truth) {
  double most = share(y, truth, -1);
  worst[op] = std::max(worst[op], most);
  if (most > 1) fail(op + " " + what + ": error is " + std::to_string(most) + " of its bound");
  int64_t moved = static_cast<int64_t>(truth.value.size()) / 2;
  if (!truth.value.empty() && share(y, truth, moved) <= 1)
    fail(op + " " + what + ": the comparison does not notice a wrong element");
}

template <class Args>
bool run(int32_t (*op)(jc_context*, const Args*), const Args& a, const std::string& what) {
  int32_t status = op(&context, &a);
  if (status != JC_OK) fail(what + ": " + context.message);
  return status == JC_OK;
}

// With a workspace of exactly the size that the operator asks for.
template <class Args>
bool run(int32_t (*op)(jc_context*, const Args*), int64_t (*size)(const jc_context*, const Args*), Args a,
         const std::string& what) {
  a.workspace_bytes = size(&context, &a);
  Buffer workspace(a.workspace_bytes / 4);
  a.workspace = workspace.data();
  return run(op, a, what);
}

template <class Args>
void refuses(int32_t (*op)(jc_context*, const Args*), const Args& a, const std::string& message) {
  context.message[0] = 0;
  int32_t status = op(&context, &a);
  if (status != JC_INVALID) fail("accepts what it must refuse: " + message);
  if (strstr(context.message, message.c_str()) == nullptr)
    fail("says '" + std::string(context.message) + "', not '" + message + "'");
}

// What run_into leaves in buffers that begin as copies of `start` has the same bits under any number of threads.
using Buffers = std::vector<Buffer>;
void threads_agree(const std::string& what, const Buffers& start, const std::function<void(Buffers&)>& run_into) {
  Buffers first;
  for (int64_t threads : kThreads) {
    context.threads = threads;
    Buffers outputs;
    outputs.reserve(start.size());
    for (const Buffer& buffer : start) outputs.emplace_back(buffer);
    run_into(outputs);
    if (first.empty()) {
      first.reserve(start.size());
      for (const Buffer& buffer : outputs) first.emplace_back(buffer);
    }
    for (size_t i = 0; i < start.size(); ++i) {
      expect(same_bits(first[i].data(), outputs[i].data(), start[i].count()),
             what + ": other bits with " + std::to_string(threads) + " threads");
    }
  }
  context.threads = 1;
}

// gradient[i] = d loss / d x[i] to 1e-6 of the largest element, by central differences of a function in double.
void check_differences(const std::string& what, std::vector<double> x, const std::vector<double>& gradient,
                       const std::function<double(const std::vector<double>&)>& loss) {
  double largest = 1e-3;
  for (double g : gradient) largest = std::max(largest, fabs(g));
  for (size_t i = 0; i < x.size(); ++i) {
    double at = x[i], step = 1e-4;
    x[i] = at + step;
    double above = loss(x);
    x[i] = at - step;
    double slope = (above - loss(x)) / (2 * step);
    x[i] = at;
    if (!(fabs(slope - gradient[i]) <= 1e-6 * largest)) fail(what + ": differs from the central difference");
  }
}

// ---- BatchNorm

// One channel in double.
struct Channel {
  std::vector<double> x;
  double mean = 0, variance = 0, largest = 0, deviation = 0, furthest = 0;
  explicit Channel(std::vector<double> values) : x(std::move(values)) {
    double n = static_cast<double>(x.size());
    for (double v : x) mean += v / n, largest = std::max(largest, fabs(v));
    for (double v : x) {
      variance += (v - mean) * (v - mean) / n;
      deviation += fabs(v - mean) / n;
      furthest = std::max(furthest, fabs(v - mean));
    }
  }
};

Channel channel_of(const float* x, int64_t rows, int64_t channels, int64_t c) {
  std::vector<double> values;
  for (int64_t row = 0; row < rows; ++row) values.push_back(x[row * channels + c]);
  return Channel(values);
}

// Rows that are summed in fp32 before double takes over.
double block_rows(int64_t rows, int64_t channels) {
  return static_cast<double>(std::min<int64_t>(rows, std::max<int64_t>(64, (16384 + channels - 1) / channels)));
}

struct BatchNormOutputs {
  Truth y, mean, inverse, running_mean, running_variance;
};

// A block's mean is off by `off`, which its deviations, known to n u, repair; so the mean is off by n u of them.
void batch_norm_truth(const Channel& t, int64_t block, const float* residual, double weight, double bias,
                      double running_mean, double running_variance, double epsilon, double momentum,
                      std::vector<double>* y, std::vector<double>* y_bound, BatchNormOutputs* out) {
  double rows = static_cast<double>(t.x.size()), n = static_cast<double>(block);
  double off = (n + 1) * kUnit * t.largest;
  double lost_mean = (n + 3) * kUnit * (2 * t.deviation + off);
  double lost_block = (n + 3) * kUnit * (2 * t.furthest + off);  // of one block's mean
  // Squares around the blocks' rounded means, what is subtracted for their rounding, and the blocks' means themselves.
  double of_variance = (n + 8) * kUnit * (t.variance + 2 * off * off) +
                       2 * off * (n + 2) * kUnit * (t.deviation + off) + 2 * lost_block * t.deviation +
                       lost_block * lost_block;
  double relative = 0.5 * of_variance / (t.variance + epsilon) + 2 * kUnit;
  if (relative > 0.5) relative = 4 * sqrt(relative);
  double inverse = 1 / sqrt(t.variance + epsilon);
  out->mean.add(t.mean, lost_mean + kUnit * fabs(t.mean));
  out->inverse.add(inverse, inverse * relative);
  double unbiased = t.x.size() > 1 ? t.variance * rows / (rows - 1) : t.variance;
  double of_unbiased = t.x.size() > 1 ? of_variance * rows / (rows - 1) : of_variance;
  double r = (1 - momentum) * running_mean + momentum * t.mean;
  out->running_mean.add(r, momentum * lost_mean + kUnit * fabs(r));
  r = (1 - momentum) * running_variance + momentum * unbiased;
  out->running_variance.add(r, momentum * of_unbiased + kUnit * fabs(r));
  for (size_t i = 0; i < t.x.size(); ++i) {
    double d = t.x[i] - t.mean;
    double v = d * inverse * weight + bias;
    double lost = lost_mean + kUnit * (2 * fabs(d) + 3 * kUnit * fabs(t.mean));
    double bound = fabs(weight) * inverse * (lost * (1 + relative) + fabs(d) * (relative + kUnit)) +
                   2 * kUnit * (fabs(v) + fabs(bias));
    // What is left out of the mean, times the factor, is part of the shift.
    bound += 2 * kUnit * kUnit * fabs(t.mean) * inverse * fabs(weight);
    if (residual != nullptr) v += residual[i], bound += kUnit * fabs(v);
    y->push_back(v);
    y_bound->push_back(bound);
  }
}

void test_batch_norm_train_case(int64_t rows, int64_t channels, Kind kind, bool residual, bool running) {
  std::string what = std::to_string(rows) + " x " + std::to_string(channels) + ", " + kKindNames[kind] +
                     (residual ? ", residual" : "") + (running ? ", running" : "");
  int64_t count = rows * channels;
  Buffer x(count, kind, channels), r(count, kPlain, channels), weight(channels, kPlain, 1), bias(channels, kPlain, 1);
  Buffer running_mean(channels, kPlain, 1), running_variance(channels, kPlain, 1);
  for (int64_t c = 0; c < channels; ++c) running_variance.at(c) = fabsf(running_variance.at(c));
  double epsilon = 1e-5, momentum = 0.1;
  BatchNormOutputs truth;
  std::vector<double> y(static_cast<size_t>(count)), bound(y.size());
  for (int64_t c = 0; c < channels; ++c) {
    std::vector<double> values, bounds;
    std::vector<float> rest;
    for (int64_t row = 0; row < rows; ++row) rest.push_back(r.at(row * channels + c));
    batch_norm_truth(channel_of(x.data(), rows, channels, c), static_cast<int64_t>(block_rows(rows, channels)),
                     residual ? rest.data() : nullptr, weight.at(c), bias.at(c), running_mean.at(c),
                     running_variance.at(c), epsilon, momentum, &values, &bounds, &truth);
    for (int64_t row = 0; row < rows; ++row) {
      y[static_cast<size_t>(row * channels + c)] = values[static_cast<size_t>(row)];
      bound[static_cast<size_t>(row * channels + c)] = bounds[static_cast<size_t>(row)];
    }
  }
  for (size_t i = 0; i < y.size(); ++i) truth.y.add(y[i], bound[i]);
  Buffers start;
  start.reserve(5);
  start.emplace_back(count), start.emplace_back(channels), start.emplace_back(channels);
  start.emplace_back(running_mean), start.emplace_back(running_variance);
  threads_agree("batch_norm_train " + what, start, [&](Buffers& out) {
    jc_batch_norm_train_args a = {};
    a.x = x.data(), a.weight = weight.data(), a.bias = bias.data(), a.residual = residual ? r.data() : nullptr;
    a.y = out[0].data(), a.mean = out[1].data(), a.inverse = out[2].data();
    if (running) a.running_mean = out[3].data(), a.running_variance = out[4].data();
    a.rows = rows, a.channels = channels, a.epsilon = epsilon, a.momentum = momentum;
    if (!run(jc_batch_norm_train, jc_batch_norm_train_workspace, a, what)) return;
    compare("batch_norm_train y", what, out[0].data(), truth.y);
    compare("batch_norm_train mean", what, out[1].data(), truth.mean);
    compare("batch_norm_train inverse", what, out[2].data(), truth.inverse);
    if (running) {
      compare("batch_norm_train running", what, out[3].data(), truth.running_mean);
      compare("batch_norm_train running", what, out[4].data(), truth.running_variance);
    }
    if (residual) {  // in the residual's place
      Buffer in_place(r), mean(channels), inverse(channels);
      a.residual = a.y = in_place.data(), a.mean = mean.data(), a.inverse = inverse.data();
      a.running_mean = a.running_variance = nullptr;
      run(jc_batch_norm_train, jc_batch_norm_train_workspace, a, what);
      expect(same_bits(in_place.data(), out[0].data(), count), "batch_norm_train in place differs, " + what);
    }
  });
}

// Gradients in double: of dx, weight and bias.
struct ChannelGradients {
  std::vector<double> dx;
  double d_weight = 0, d_bias = 0;
};
ChannelGradients batch_norm_gradients(const Channel& t, const std::vector<double>& dy, double weight, double epsilon) {
  ChannelGradients g;
  double inverse = 1 / sqrt(t.variance + epsilon), n = static_cast<double>(t.x.size());
  for (size_t i = 0; i < dy.size(); ++i) {
    g.d_bias += dy[i];
    g.d_weight += dy[i] * (t.x[i] - t.mean) * inverse;
  }
  for (size_t i = 0; i < dy.size(); ++i) {
    g.dx.push_back(weight * inverse * (dy[i] - g.d_bias / n - (t.x[i] - t.mean) * inverse * g.d_weight / n));
  }
  return g;
}

void test_batch_norm_differences() {
  std::vector<double> x, dy;
  for (int i = 0; i < 9; ++i) x.push_back(3 + next()), dy.push_back(next());
  double weight = 0.7, bias = -0.2;
  ChannelGradients g = batch_norm_gradients(Channel(x), dy, weight, 1e-3);
  auto loss = [&](const std::vector<double>& v) {
    Channel t({v.begin(), v.begin() + 9});
    double sum = 0;
    for (size_t i = 0; i < 9; ++i) sum += dy[i] * ((t.x[i] - t.mean) / sqrt(t.variance + 1e-3) * v[9] + v[10]);
    return sum;
  };
  std::vector<double> all = x, gradient = g.dx;
  all.push_back(weight), all.push_back(bias);
  gradient.push_back(g.d_weight), gradient.push_back(g.d_bias);
  check_differences("batch_norm_train_gradient", all, gradient, loss);
}

void test_batch_norm_train_gradient_case(int64_t rows, int64_t channels, Kind kind, int place) {
  std::string what = std::to_string(rows) + " x " + std::to_string(channels) + ", " + kKindNames[kind] + ", place " +
                     std::to_string(place);
  int64_t count = rows * channels;
  Buffer dy(count, kPlain, channels), x(count, kind, channels), weight(channels, kPlain, 1);
  Buffer mean(channels), inverse(channels), d_weight(channels, kPlain, 1), d_bias(channels, kPlain, 1);
  double epsilon = 1e-5, n = block_rows(rows, channels), all = static_cast<double>(rows);
  std::vector<double> value(static_cast<size_t>(count)), bound(value.size());
  Truth of_weight, of_bias, of_x;
  for (int64_t c = 0; c < channels; ++c) {
    Channel t = channel_of(x.data(), rows, channels, c);
    double scale = 1 / sqrt(t.variance + epsilon);
    mean.at(c) = static_cast<float>(t.mean), inverse.at(c) = static_cast<float>(scale);
    std::vector<double> up;
    double sum = 0, sum_d = 0, lost = kUnit * fabs(t.mean);
    for (int64_t row = 0; row < rows; ++row) {
      up.push_back(dy.at(row * channels + c));
      sum += fabs(up.back());
      sum_d += fabs(up.back()) * (fabs(t.x[static_cast<size_t>(row)] - t.mean) + lost);
    }
    ChannelGradients g = batch_norm_gradients(t, up, weight.at(c), epsilon);
    double lost_rest = (n + 2) * kUnit * (t.deviation + lost);
    double lost_bias = n * kUnit * sum;
    double lost_weight =
        scale * ((n + 4) * kUnit * sum_d + lost_rest * sum + lost * lost_bias) + 3 * kUnit * fabs(g.d_weight);
    double after = d_weight.at(c) + g.d_weight;
    of_weight.add(after, lost_weight + kUnit * fabs(after));
    after = d_bias.at(c) + g.d_bias;
    of_bias.add(after, lost_bias + kUnit * fabs(after));
    double a = fabs(weight.at(c)) * scale;
    for (int64_t row = 0; row < rows; ++row) {
      size_t i = static_cast<size_t>(row * channels + c);
      double d = fabs(t.x[static_cast<size_t>(row)] - t.mean) + lost;
      double b = a * scale * fabs(g.d_weight) / all, shift = a * fabs(g.d_bias) / all + b * lost;
      value[i] = g.dx[static_cast<size_t>(row)];
      bound[i] = a * lost_bias / all + a * scale * d * lost_weight / all + b * lost_rest +
                 6 * kUnit * (a * fabs(up[static_cast<size_t>(row)]) + b * d + shift);
    }
  }
  for (size_t i = 0; i < value.size(); ++i) of_x.add(value[i], bound[i]);
  Buffers start;
  start.reserve(3);
  start.emplace_back(count), start.emplace_back(d_weight), start.emplace_back(d_bias);
  threads_agree("batch_norm_train_gradient " + what, start, [&](Buffers& out) {
    Buffer dy_copy(dy), x_copy(x);
    jc_batch_norm_train_gradient_args a = {};
    a.dy = dy_copy.data(), a.x = x_copy.data(), a.mean = mean.data(), a.inverse = inverse.data();
    a.weight = weight.data(), a.d_weight = out[1].data(), a.d_bias = out[2].data();
    a.dx = place == 0 ? out[0].data() : place == 1 ? dy_copy.data() : x_copy.data();
    a.rows = rows, a.channels = channels;
    if (!run(jc_batch_norm_train_gradient, jc_batch_norm_train_gradient_workspace, a, what)) return;
    compare("batch_norm_train_gradient dx", what, a.dx, of_x);
    compare("batch_norm_train_gradient d_weight", what, a.d_weight, of_weight);
    compare("batch_norm_train_gradient d_bias", what, a.d_bias, of_bias);
    Buffer other(count), alone(count);
    a.dy = dy.data(), a.x = x.data(), a.dx = other.data(), a.d_weight = a.d_bias = nullptr;
    run(jc_batch_norm_train_gradient, jc_batch_norm_train_gradient_workspace, a, what);
    memcpy(alone.data(),
           place == 0   ? out[0].data()
           : place == 1 ? dy_copy.data()
                        : x_copy.data(),
           static_cast<size_t>(count) * 4);
    expect(same_bits(other.data(), alone.data(), count), "batch_norm_train_gradient: without parameters differs");
  });
}

void test_batch_norm_gradient_case(int64_t rows, int64_t channels, Kind kind, int place) {
  std::string what = std::to_string(rows) + " x " + std::to_string(channels) + ", " + kKindNames[kind];
  int64_t count = rows * channels;
  Buffer dy(count, kPlain, channels), x(count, kind, channels), weight(channels, kPlain, 1), mean(channels, kind, 1);
  Buffer variance(channels, kPlain, 1), d_weight(channels, kPlain, 1), d_bias(channels, kPlain, 1);
  double n = block_rows(rows, channels), epsilon = 1e-5;
  Truth of_x, of_weight, of_bias;
  for (int64_t c = 0; c < channels; ++c) variance.at(c) = fabsf(variance.at(c));
  for (int64_t i = 0; i < count; ++i) {
    double v = dy.at(i) * static_cast<double>(weight.at(i % channels)) / sqrt(variance.at(i % channels) + epsilon);
    of_x.add(v, 2.01 * kUnit * fabs(v));
  }
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0, size = 0, sum_d = 0, size_d = 0, inverse = 1 / sqrt(variance.at(c) + epsilon);
    for (int64_t i = c; i < count; i += channels) {
      double d = static_cast<double>(x.at(i)) - mean.at(c);
      sum += dy.at(i), size += fabs(dy.at(i));
      sum_d += dy.at(i) * d * inverse, size_d += fabs(dy.at(i) * d * inverse);
    }
    sum += d_bias.at(c), sum_d += d_weight.at(c);
    of_bias.add(sum, n * kUnit * size + 1.01 * kUnit * fabs(sum));
    of_weight.add(sum_d, (n + 2) * kUnit * size_d + 1.01 * kUnit * fabs(sum_d));
  }
  Buffers start;
  start.reserve(3);
  start.emplace_back(count), start.emplace_back(d_weight), start.emplace_back(d_bias);
  threads_agree("batch_norm_gradient " + what, start, [&](Buffers& out) {
    Buffer dy_copy(dy), x_copy(x);
    jc_batch_norm_gradient_args a = {};
    a.dy = dy_copy.data(), a.x = x_copy.data(), a.mean = mean.data(), a.variance = variance.data();
    a.weight = weight.data(), a.d_weight = out[1].data(), a.d_bias = out[2].data();
    a.dx = place == 0 ? out[0].data() : place == 1 ? dy_copy.data() : x_copy.data();
    a.rows = rows, a.channels = channels, a.epsilon = epsilon;
    if (!run(jc_batch_norm_gradient, jc_batch_norm_gradient_workspace, a, what)) return;
    compare("batch_norm_gradient dx", what, a.dx, of_x);
    compare("batch_norm_gradient d_weight", what, a.d_weight, of_weight);
    compare("batch_norm_gradient d_bias", what, a.d_bias, of_bias);
  });
}

void test_batch_norm() {
  test_batch_norm_differences();
  for (int64_t channels : {1, 3, 8, 15, 17, 32, 65, 129, 2048}) {
    for (int64_t rows : {1, 2, 5, 63, 64, 67, 130}) {
      test_batch_norm_train_case(rows, channels, kPlain, rows % 2 == 1, rows % 3 != 0);
      test_batch_norm_train_gradient_case(rows, channels, kPlain, static_cast<int>(rows % 3));
      test_batch_norm_gradient_case(rows, channels, kPlain, static_cast<int>((rows + 1) % 3));
    }
  }
  for (int kind = 0; kind < kKinds; ++kind) {
    test_batch_norm_train_case(1500, 33, static_cast<Kind>(kind), false, true);
    test_batch_norm_train_gradient_case(1500, 33, static_cast<Kind>(kind), 0);
    test_batch_norm_gradient_case(1500, 33, static_cast<Kind>(kind), 0);
  }
  test_batch_norm_train_case(40000, 3, kOffset, false, true);
  test_batch_norm_train_gradient_case(40000, 3, kOffset, 1);
  Buffer x(8, kPlain, 1), y(8), workspace(64);
  jc_batch_norm_train_args a = {};
  a.x = a.weight = a.bias = x.data(), a.y = a.mean = a.inverse = y.data(), a.rows = 2, a.channels = 4;
  refuses(jc_batch_norm_train, a, "workspace");
  a.workspace = workspace.data(), a.workspace_bytes = 64 * 4, a.running_mean = y.data();
  refuses(jc_batch_norm_train, a, "running");
  a.running_mean = nullptr, a.rows = 0;
  refuses(jc_batch_norm_train, a, "batch_norm_train: rows");
  a.rows = 2, a.workspace_bytes = 63;
  refuses(jc_batch_norm_train, a, "workspace_bytes");
  jc_batch_norm_train_gradient_args b = {};
  refuses(jc_batch_norm_train_gradient, b, "rows");
  jc_batch_norm_gradient_args c = {};
  c.rows = c.channels = 2;
  refuses(jc_batch_norm_gradient, c, "null");
  expect(y.all_untouched(), "batch_norm refuses, but wrote");
}

// ---- pools

void test_avg_pool_gradient() {
  int64_t sizes[][2] = {{1, 1}, {2, 2}, {5, 4}, {7, 9}, {56, 3}};
  for (auto& [height, width] : sizes) {
    for (int64_t kernel : {1, 2, 3}) {
      for (int64_t channels : {1, 7, 64, 129}) {
        if (kernel > height || kernel > width) continue;
        int64_t batch = 3, oh = height / kernel, ow = width / kernel, count = batch * height * width * channels;
        Buffer dy(batch * oh * ow * channels, kPlain, 1), x(count, kPlain, 1), y(dy.count());
        std::string what = std::to_string(height) + " x " + std::to_string(width) + " / " + std::to_string(kernel);
        Truth truth;
        for (int64_t i = 0; i < count; ++i) {
          int64_t c = i % channels, column = i / channels % width / kernel;
          int64_t row = i / channels / width % height / kernel, b = i / channels / width / height;
          bool inside = row < oh && column < ow;
          double v =
              inside ? dy.at(((b * oh + row) * ow + column) * channels + c) / static_cast<double>(kernel * kernel) : 0;
          truth.add(v, kUnit * fabs(v));
        }
        Buffers start;
        start.reserve(1), start.emplace_back(count);
        threads_agree("avg_pool_gradient", start, [&](Buffers& out) {
          jc_avg_pool_gradient_args a = {dy.data(), out[0].data(), batch, height, width, channels, kernel};
          run(jc_avg_pool_gradient, a, what);
          compare("avg_pool_gradient", what, out[0].data(), truth);
        });
        // Adjoint to the forward operator, which is linear: dy . y(x) = dx(dy) . x.
        jc_avg_pool_args f = {x.data(), y.data(), batch, height, width, channels, kernel};
        run(jc_avg_pool, f, what);
        double left = 0, right = 0;
        for (int64_t i = 0; i < dy.count(); ++i) left += static_cast<double>(dy.at(i)) * y.at(i);
        for (int64_t i = 0; i < count; ++i) right += truth.value[static_cast<size_t>(i)] * x.at(i);
        expect(fabs(left - right) <= 20 * kUnit * static_cast<double>(dy.count()),
               "avg_pool_gradient: not the adjoint");
      }
    }
  }
  Buffer x(4, kPlain, 1);
  jc_avg_pool_gradient_args bad = {x.data(), x.data(), 1, 1, 1, 1, 2};
  refuses(jc_avg_pool_gradient, bad, "avg_pool_gradient: kernel");
}

void test_attention_pool_tokens_gradient() {
  for (int64_t pixels : {1, 4, 49}) {
    for (int64_t channels : {1, 17, 64, 700}) {
      int64_t batch = 3, count = batch * pixels * channels;
      Buffer dy(batch * (1 + pixels) * channels, kPlain, 1), x(count, kPlain, 1), y(dy.count());
      Buffer positional((1 + pixels) * channels);
      for (int64_t i = 0; i < positional.count(); ++i) positional.at(i) = 0;
      Truth truth;
      for (int64_t i = 0; i < count; ++i) {
        int64_t b = i / channels / pixels, p = i / channels % pixels, c = i % channels;
        const float* from = dy.data() + b * (1 + pixels) * channels + c;
        double mean = from[0] / static_cast<double>(pixels), v = from[(1 + p) * channels] + mean;
        truth.add(v, kUnit * (1.01 * fabs(v) + fabs(mean)));
      }
      Buffers start;
      start.reserve(1), start.emplace_back(count);
      threads_agree("attention_pool_tokens_gradient", start, [&](Buffers& out) {
        jc_attention_pool_tokens_gradient_args a = {dy.data(), out[0].data(), batch, pixels, channels};
        run(jc_attention_pool_tokens_gradient, a, "attention_pool_tokens_gradient");
        compare("attention_pool_tokens_gradient", std::to_string(pixels), out[0].data(), truth);
      });
      jc_attention_pool_tokens_args f = {x.data(), positional.data(), y.data(), batch, pixels, channels};
      run(jc_attention_pool_tokens, f, "attention_pool_tokens");
      double left = 0, right = 0;
      for (int64_t i = 0; i < dy.count(); ++i) left += static_cast<double>(dy.at(i)) * y.at(i);
      for (int64_t i = 0; i < count; ++i) right += truth.value[static_cast<size_t>(i)] * x.at(i);
      expect(fabs(left - right) <= static_cast<double>((pixels + 4) * dy.count()) * kUnit,
             "attention_pool_tokens_gradient: not the adjoint");
    }
  }
  jc_attention_pool_tokens_gradient_args bad = {nullptr, nullptr, 1, 1, 1};
  refuses(jc_attention_pool_tokens_gradient, bad, "null");
}

// ---- rows

int32_t pick(int64_t n) { return static_cast<int32_t>(static_cast<double>(next() * 0.5f + 0.5f) * 0.999 * n); }

void test_embedding_gradient_case(int64_t rows, int64_t live, int64_t width, int64_t vocabulary, int64_t positions) {
  std::string what = std::to_string(rows) + " rows of " + std::to_string(width);
  std::vector<int32_t> ids, places;
  for (int64_t row = 0; row < rows; ++row) {
    // Every third is the same, as the end of a text is; what is not live is no id.
    ids.push_back(row >= live ? -1 : row % 3 == 0 ? static_cast<int32_t>(vocabulary - 1) : pick(vocabulary));
    places.push_back(row >= live ? 1 << 30 : static_cast<int32_t>(row % positions));
  }
  Buffer dy(rows * width, kPlain, 1), table(vocabulary * width, kPlain, 1), positional(positions * width, kPlain, 1);
  for (int64_t i = live * width; i < rows * width; ++i) dy.at(i) = NAN;
  Buffer wanted_table(table), wanted_positional(positional);
  for (int64_t i = 0; i < live * width; ++i) {
    wanted_table.at(ids[static_cast<size_t>(i / width)] * width + i % width) += dy.at(i);
    wanted_positional.at(places[static_cast<size_t>(i / width)] * width + i % width) += dy.at(i);
  }
  Buffers start;
  start.reserve(2), start.emplace_back(table), start.emplace_back(positional);
  for (int wanted = 0; wanted < 4; ++wanted) {
    threads_agree("embedding_gradient " + what, start, [&](Buffers& out) {
      jc_embedding_gradient_args a = {};
      a.ids = ids.data(), a.positions = places.data(), a.dy = dy.data();
      a.d_table = wanted & 1 ? out[0].data() : nullptr, a.d_positional = wanted & 2 ? out[1].data() : nullptr;
      a.live = live < rows ? &live : nullptr;
      a.rows = rows, a.width = width, a.vocabulary = vocabulary, a.context = positions;
      run(jc_embedding_gradient, jc_embedding_gradient_workspace, a, what);
      const Buffer& t = wanted & 1 ? wanted_table : table;
      const Buffer& p = wanted & 2 ? wanted_positional : positional;
      expect(same_bits(out[0].data(), t.data(), t.count()), "embedding_gradient: table, " + what);
      expect(same_bits(out[1].data(), p.data(), p.count()), "embedding_gradient: positions, " + what);
    });
  }
  if (live == rows && rows > 1) {  // the comparison sees one row that goes elsewhere
    std::vector<int32_t> other = ids;
    other[1] = (other[1] + 1) % static_cast<int32_t>(vocabulary);
    Buffer moved(table);
    jc_embedding_gradient_args a = {};
    a.ids = other.data(), a.positions = places.data(), a.dy = dy.data(), a.d_table = moved.data();
    a.rows = rows, a.width = width, a.vocabulary = vocabulary, a.context = positions;
    run(jc_embedding_gradient, jc_embedding_gradient_workspace, a, what);
    expect(vocabulary == 1 || !same_bits(moved.data(), wanted_table.data(), table.count()),
           "a moved id is not noticed");
  }
}

void test_embedding_gradient() {
  for (int64_t width : {1, 3, 64, 129, 512}) {
    test_embedding_gradient_case(1, 1, width, 1, 1);
    test_embedding_gradient_case(37, 37, width, 5, 7);
    test_embedding_gradient_case(400, 300, width, 333, 77);
    test_embedding_gradient_case(5, 0, width, 33, 77);
  }
  std::vector<int32_t> ids = {0, 3, 1};
  Buffer dy(6, kPlain, 1), table(6), workspace(64);
  jc_embedding_gradient_args a = {};
  a.ids = a.positions = ids.data(), a.dy = dy.data(), a.d_table = a.d_positional = table.data();
  a.rows = 3, a.width = 2, a.vocabulary = 3, a.context = 4;
  refuses(jc_embedding_gradient, a, "workspace");
  a.workspace = workspace.data(), a.workspace_bytes = 28;
  refuses(jc_embedding_gradient, a, "workspace_bytes");
  a.workspace_bytes = 256;
  refuses(jc_embedding_gradient, a, "ids[1] = 3 not in [0, 3)");
  a.vocabulary = 4, a.context = 3;
  refuses(jc_embedding_gradient, a, "positions[1] = 3");
  expect(table.all_untouched(), "embedding_gradient refuses, but wrote");
}

void test_scatter_rows() {
  for (int64_t width : {1, 5, 63, 64, 65, 512}) {
    for (int variant = 0; variant < 6; ++variant) {
      int64_t y_rows = 300, rows = 97, live = variant % 2 == 0 ? rows : 60, step = 3;
      bool indexed = variant < 4, residual = variant != 0 && variant != 5, in_place = variant == 2 || variant == 3;
      std::vector<int32_t> index;
      for (int64_t i = 0; i < rows; ++i) index.push_back(i < live ? static_cast<int32_t>((i * 7 + 5) % y_rows) : -5);
      Buffer x(rows * width, kPlain, 1), r(y_rows * width, kPlain, 1), wanted(y_rows * width);
      for (int64_t i = 0; i < wanted.count(); ++i) wanted.at(i) = residual ? r.at(i) : 0;
      for (int64_t i = 0; i < live * width; ++i) {
        int64_t row = indexed ? index[static_cast<size_t>(i / width)] : i / width * step;
        wanted.at(row * width + i % width) += x.at(i);
      }
      Buffers start;
      start.reserve(1);
      if (in_place) {
        start.emplace_back(r);
      } else {
        start.emplace_back(y_rows * width);
      }
      threads_agree("scatter_rows", start, [&](Buffers& out) {
        jc_scatter_rows_args a = {x.data(),
                                  indexed ? index.data() : nullptr,
                                  in_place   ? out[0].data()
                                  : residual ? r.data()
                                             : nullptr,
                                  out[0].data(),
                                  live < rows ? &live : nullptr,
                                  rows,
                                  y_rows,
                                  width,
                                  step};
        run(jc_scatter_rows, a, "scatter_rows");
        expect(same_bits(out[0].data(), wanted.data(), wanted.count()),
               "scatter_rows: variant " + std::to_string(variant) + ", width " + std::to_string(width));
      });
    }
  }
  int32_t index[] = {0, 4};
  Buffer x(4, kPlain, 1), y(8);
  jc_scatter_rows_args a = {x.data(), index, nullptr, y.data(), nullptr, 2, 4, 2, 1};
  refuses(jc_scatter_rows, a, "index[1] = 4 not in [0, 4)");
  a.index = nullptr, a.step = 4;
  refuses(jc_scatter_rows, a, "step");
  expect(y.all_untouched(), "scatter_rows refuses, but wrote");
}

void test_column_sums() {
  for (int64_t width : {1, 7, 16, 33, 129, 2048}) {
    for (int64_t rows : {0, 1, 3, 64, 65, 700, 20000}) {
      if (rows * width > 2000000) continue;
      for (int kind = 0; kind < kKinds; ++kind) {
        int64_t ld = width + (rows % 2 == 1 ? 5 : 0);
        Buffer x(rows * ld, static_cast<Kind>(kind), ld), y(width, kPlain, 1);
        Truth truth;
        for (int64_t c = 0; c < width; ++c) {
          double sum = y.at(c), size = 0;
          for (int64_t row = 0; row < rows; ++row) sum += x.at(row * ld + c), size += fabs(x.at(row * ld + c));
          truth.add(sum, (block_rows(rows, width) - 1) * kUnit * size + 1.01 * kUnit * fabs(sum));
        }
        std::string what = std::to_string(rows) + " x " + std::to_string(width) + ", " + kKindNames[kind];
        Buffers start;
        start.reserve(1), start.emplace_back(y);
        threads_agree("column_sums", start, [&](Buffers& out) {
          jc_column_sums_args a = {};
          a.x = x.data(), a.y = out[0].data(), a.rows = rows, a.width = width, a.ldx = ld;
          run(jc_column_sums, jc_column_sums_workspace, a, what);
          compare("column_sums", what, out[0].data(), truth);
          Buffer plain(y);
          a.y = plain.data();
          int64_t isa = context.isa;
          context.isa = JC_REF;
          run(jc_column_sums, jc_column_sums_workspace, a, what);
          context.isa = isa;
          expect(same_bits(plain.data(), out[0].data(), width), "column_sums: other bits than the plain version's");
        });
      }
    }
  }
  Buffer x(4, kPlain, 1), y(4), workspace(64);
  jc_column_sums_args a = {};
  a.x = x.data(), a.y = y.data(), a.rows = 1, a.width = 4, a.ldx = 3;
  refuses(jc_column_sums, a, "ldx");
  a.ldx = 4;
  refuses(jc_column_sums, a, "workspace");
  expect(y.all_untouched(), "column_sums refuses, but wrote");
}

// The gradient of l2_normalize in double, for rows that are not too short.
std::vector<double> l2_gradient(const std::vector<double>& x, const std::vector<double>& dy, double epsilon) {
  double squares = 0, along = 0;
  for (double v : x) squares += v * v;
  double length = sqrt(squares);
  for (size_t i = 0; i < x.size() && length >= epsilon; ++i) along += x[i] * dy[i] / squares;
  std::vector<double> dx;
  for (size_t i = 0; i < x.size(); ++i) dx.push_back((dy[i] - x[i] * along) / std::max(length, epsilon));
  return dx;
}

void test_l2_normalize_gradient() {
  std::vector<double> at, up;
  for (int i = 0; i < 7; ++i) at.push_back(next()), up.push_back(next());
  check_differences("l2_normalize_gradient", at, l2_gradient(at, up, 1e-12), [&](const std::vector<double>& x) {
    double squares = 0, sum = 0;
    for (double v : x) squares += v * v;
    for (size_t i = 0; i < x.size(); ++i) sum += up[i] * x[i] / sqrt(squares);
    return sum;
  });
  for (int64_t width : {1, 2, 7, 8, 16, 17, 63, 64, 129, 512, 1031}) {
    for (int kind = 0; kind < kKinds; ++kind) {
      int64_t rows = 131, live = 97, count = rows * width;
      double epsilon = 1e-12, n = static_cast<double>(width);
      Buffer x(count, static_cast<Kind>(kind), width), dy(count, kPlain, width);
      for (int64_t i = 0; i < width; ++i) x.at(3 * width + i) = 0;
      for (int64_t i = 0; i < width; ++i) x.at(4 * width + i) = 1e-14f * next();
      Truth truth;
      for (int64_t row = 0; row < rows; ++row) {
        std::vector<double> a, b;
        double squares = 0, size = 0;
        for (int64_t i = row * width; i < (row + 1) * width; ++i) {
          a.push_back(x.at(i)), b.push_back(dy.at(i));
          squares += a.back() * a.back();
        }
        double length = std::max(sqrt(squares), epsilon);
        for (size_t i = 0; i < a.size(); ++i) size += fabs(a[i] * b[i]) / length;
        std::vector<double> dx = row < live ? l2_gradient(a, b, epsilon) : std::vector<double>(a.size());
        // Squares below 2^-126 lose more than u each; products too.
        double relative = (0.5 * n + 4) * kUnit + n * 1e-44 / (length * length);
        double of_along = (n + 2) * kUnit * size + 2 * relative * size;
        for (size_t i = 0; i < a.size(); ++i) {
          double y = fabs(a[i]) / length, along = sqrt(squares) >= epsilon ? size : 0;
          double bound = y * of_along + y * along * (relative + 3 * kUnit) + 2 * kUnit * fabs(b[i]);
          truth.add(dx[i], row < live ? bound / length + fabs(dx[i]) * (relative + 2 * kUnit) : 0);
        }
      }
      std::string what = std::to_string(width) + ", " + kKindNames[kind];
      Buffers start;
      start.reserve(1), start.emplace_back(count);
      threads_agree("l2_normalize_gradient", start, [&](Buffers& out) {
        jc_l2_normalize_gradient_args a = {x.data(), dy.data(), out[0].data(), &live, rows, width, epsilon};
        run(jc_l2_normalize_gradient, a, what);
        compare("l2_normalize_gradient", what, out[0].data(), truth);
        Buffer in_place(dy);
        a.dy = a.dx = in_place.data();
        run(jc_l2_normalize_gradient, a, what);
        expect(same_bits(in_place.data(), out[0].data(), count), "l2_normalize_gradient in place differs");
      });
    }
  }
  jc_l2_normalize_gradient_args bad = {nullptr, nullptr, nullptr, nullptr, 1, 1, 1e-12};
  refuses(jc_l2_normalize_gradient, bad, "null");
}

// ---- element by element

void test_elements() {
  for (int64_t count : {0, 1, 7, 33, 16384, 16385, 100003}) {
    Buffer a(count, kPlain, 1), b(count, kTiny, 1);
    if (count > 5) a.at(3) = NAN, a.at(4) = INFINITY, a.at(5) = -INFINITY;
    Buffers start;
    start.reserve(3), start.emplace_back(count), start.emplace_back(count), start.emplace_back(a);
    threads_agree("add, fill and clamp", start, [&](Buffers& out) {
      jc_add_args sum = {a.data(), b.data(), out[0].data(), count};
      jc_fill_args value = {out[1].data(), count, 0.1};
      jc_clamp_args limits = {out[2].data(), count, -0.25, 0.5};
      run(jc_add, sum, "add"), run(jc_fill, value, "fill"), run(jc_clamp, limits, "clamp");
      Buffer in_place(b);
      sum.b = sum.y = in_place.data();
      run(jc_add, sum, "add");
      expect(same_bits(in_place.data(), out[0].data(), count), "add in place differs");
      for (int64_t i = 0; i < count; ++i) {
        float wanted = a.at(i) + b.at(i), x = a.at(i);
        expect(isnan(wanted) ? isnan(out[0].at(i)) : out[0].at(i) == wanted, "add");
        expect(out[1].at(i) == 0.1f, "fill");
        expect(isnan(x) ? isnan(out[2].at(i)) : out[2].at(i) == std::min(std::max(x, -0.25f), 0.5f), "clamp");
      }
    });
  }
  Buffer x(1);
  jc_clamp_args bad = {x.data(), 1, 1, 0};
  refuses(jc_clamp, bad, "clamp: low");
  jc_fill_args none = {nullptr, 1, 0};
  refuses(jc_fill, none, "null");
  jc_add_args nothing = {x.data(), nullptr, x.data(), 1};
  refuses(jc_add, nothing, "null");
  expect(x.all_untouched(), "refuses, but wrote");
}

void test_moving_average() {
  for (double decay : {0.0, 0.1, 0.9, 0.9999, 1.0}) {
    for (int64_t count : {1, 17, 100003}) {
      Buffer average(count, kPlain, 1), p(count, kPlain, 1);
      Truth truth;
      for (int64_t i = 0; i < count; ++i) {
        double kept = decay * average.at(i), added = (1 - decay) * p.at(i);
        truth.add(kept + added, 1.001 * kUnit * fabs(kept + added));
      }
      Buffers start;
      start.reserve(1), start.emplace_back(average);
      threads_agree("moving_average", start, [&](Buffers& out) {
        jc_moving_average_args a = {out[0].data(), p.data(), &decay, count};
        run(jc_moving_average, a, "moving_average");
        compare("moving_average", std::to_string(decay), out[0].data(), truth);
      });
    }
  }
  // Over many steps the average stays where double takes it: rounding errors cancel, but the decay in fp32 alone would
  // shrink it by 1.7e-4.
  Buffer average(1), p(1);
  double decay = 0.9999, wanted = average.at(0) = 1;
  jc_moving_average_args a = {average.data(), p.data(), &decay, 1};
  for (int step = 0; step < 50000; ++step) {
    p.at(0) = 1 + 0.5f * next();
    wanted = decay * wanted + (1 - decay) * p.at(0);
    run(jc_moving_average, a, "moving_average");
  }
  expect(fabs(average.at(0) / wanted - 1) <= 1e-5,
         "moving_average drifts to " + std::to_string(average.at(0) / wanted));
  decay = 1.5;
  refuses(jc_moving_average, a, "decay");
}

// ---- optimiser

void norm_of(const Buffer& g, int64_t count, double maximum, double* norm) {
  jc_gradient_norm_args a = {};
  a.g = g.data(), a.norm = norm, a.count = count, a.maximum = maximum;
  run(jc_gradient_norm, jc_gradient_norm_workspace, a, "gradient_norm");
}

void test_gradient_norm() {
  for (int64_t count : {0, 1, 3, 16, 33, 16383, 16384, 16385, 200001}) {
    for (float factor : {1.0f, 1e30f, 1e-30f, 0.0f}) {
      Buffer g(count, kPlain, 1, factor);
      long double squares = 0;
      for (int64_t i = 0; i < count; ++i) squares += static_cast<long double>(g.at(i)) * g.at(i);
      double wanted = static_cast<double>(sqrtl(squares)), bound = (16384 + 20) * 0x1p-53 * wanted;
      for (double maximum : {0.0, 5.0, 1e-31}) {
        double first[2] = {NAN, NAN};
        for (int64_t threads : kThreads) {
          context.threads = threads;
          double norm[2] = {NAN, NAN};
          norm_of(g, count, maximum, norm);
          if (isnan(first[0])) memcpy(first, norm, sizeof(norm));
          expect(memcmp(first, norm, sizeof(norm)) == 0, "gradient_norm: other bits with other threads");
          expect(fabs(norm[0] - wanted) <= bound, "gradient_norm: " + std::to_string(norm[0]));
          double clip = maximum == 0 ? 1 : std::min(1.0, maximum / (wanted + 1e-6));
          expect(fabs(norm[1] - clip) <= 1e-11 * clip, "gradient_norm: clip " + std::to_string(norm[1]));
          if (wanted > 0) {
            worst["gradient_norm"] = std::max(worst["gradient_norm"], fabs(norm[0] - wanted) / bound);
            double other[2], last = g.at(count - 1);  // one element more is noticed
            g.at(count - 1) += 1.5f * factor;
            norm_of(g, count, maximum, other);
            g.at(count - 1) = static_cast<float>(last);
            expect(fabs(other[0] - wanted) > bound, "gradient_norm does not see its last element");
          }
        }
        context.threads = 1;
      }
    }
  }
  Buffer g(100, kPlain, 1);
  for (float wrong : {NAN, INFINITY, -INFINITY}) {
    double norm[2] = {0, 0};
    g.at(77) = wrong;
    norm_of(g, 100, 1, norm);
    expect(!isfinite(norm[0]) && !isfinite(norm[1]), "gradient_norm hides what is not finite");
    norm_of(g, 100, 0, norm);
    expect(!isfinite(norm[0]) && !isfinite(norm[1]), "gradient_norm hides what is not finite");
  }
  double norm[2];
  jc_gradient_norm_args a = {};
  a.g = g.data(), a.norm = norm, a.count = 100, a.maximum = -1;
  refuses(jc_gradient_norm, a, "maximum");
  a.maximum = 1;
  refuses(jc_gradient_norm, a, "workspace");
}

// One step in double from the same fp32 state, and what fp32 may lose of it.
struct AdamTruth {
  Truth p, m, v;
};
void adam_truth(const jc_adamw_args& a, AdamTruth* truth) {
  double c = a.norm != nullptr ? a.norm[1] : 1;
  for (int64_t s = 0; s < a.segments; ++s) {
    double rate = a.step[0] * a.scale[s];
    for (int64_t i = a.first[s]; i < a.first[s + 1]; ++i) {
      double g = c * a.g[i];
      double m = a.beta1 * a.m[i] + (1 - a.beta1) * g, v = a.beta2 * a.v[i] + (1 - a.beta2) * g * g;
      double of_m = 2 * kUnit * (fabs(a.beta1 * a.m[i]) + 2 * fabs((1 - a.beta1) * g)) + 1.01 * kUnit * fabs(m) + 1e-44;
      double of_v = 8 * kUnit * v + 4e-45;
      double root = sqrt(v) / sqrt(a.step[2]);
      double step = rate / a.step[1] * m / (root + a.epsilon), p = a.p[i] * (1 - rate * a.decay[s]);
      // Denormal v: the root of what was lost.
      double of_root =
          std::min(v > 0 ? 0.5 * of_v / sqrt(v) : INFINITY, sqrt(of_v)) / sqrt(a.step[2]) + 4 * kUnit * root;
      double of_step =
          fabs(rate / a.step[1]) * of_m / (root + a.epsilon) + fabs(step) * (of_root / (root + a.epsilon) + 6 * kUnit);
      if (of_root > 0.5 * (root + a.epsilon)) of_step = INFINITY;  // nothing known: kept out by the inputs
      truth->m.add(m, of_m);
      truth->v.add(v, of_v);
      truth->p.add(p - step, of_step + kUnit * (3 * fabs(rate * a.decay[s] * a.p[i]) + fabs(step) + fabs(p - step)));
    }
  }
}

void test_adamw_case(const std::vector<int64_t>& first, float g_size, float state_size, double clip, double epsilon,
                     double rate) {
  int64_t segments = static_cast<int64_t>(first.size()) - 1, count = first.back();
  std::string what = std::to_string(count) + " in " + std::to_string(segments) + ", g " + std::to_string(g_size) +
                     ", clip " + std::to_string(clip);
  Buffer p(count, kPlain, 1), g(count, kPlain, 1, g_size), m(count, kPlain, 1, state_size);
  Buffer v(count, kPlain, 1, state_size);
  std::vector<double> scale, decay;
  for (int64_t i = 0; i < count; ++i) v.at(i) *= v.at(i);
  for (int64_t s = 0; s < segments; ++s) scale.push_back(1 - 0.1 * static_cast<double>(s % 5));
  for (int64_t s = 0; s < segments; ++s) decay.push_back(s % 2 == 0 ? 0.2 : 0);
  double step[3] = {rate, 1 - pow(0.9, 7), 1 - pow(0.999, 7)}, norm[2] = {clip > 0 ? 1 / clip : 0, clip};
  jc_adamw_args a = {
      p.data(), g.data(), m.data(), v.data(), first.data(), scale.data(), decay.data(), step, clip < 1 ? norm : nullptr,
      segments, 0.9,      0.999,    epsilon};
  AdamTruth truth;
  adam_truth(a, &truth);
  Buffers start;
  start.reserve(3), start.emplace_back(p), start.emplace_back(m), start.emplace_back(v);
  threads_agree("adamw " + what, start, [&](Buffers& out) {
    a.p = out[0].data(), a.m = out[1].data(), a.v = out[2].data();
    if (!run(jc_adamw, a, what)) return;
    compare("adamw p", what, a.p, truth.p);
    compare("adamw m", what, a.m, truth.m);
    compare("adamw v", what, a.v, truth.v);
  });
}

// 20000 steps stay beside double: rounding errors cancel, but beta2 in fp32 alone would move v by 1.3e-5.
void test_adamw_long() {
  Buffer p(1), g(1), m(1), v(1);
  p.at(0) = m.at(0) = v.at(0) = 0;
  int64_t first[] = {0, 1};
  double one = 1, decay = 0.1, rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, most = 0;
  double wanted_p = 0, wanted_m = 0, wanted_v = 0;
  for (int t = 1; t <= 20000; ++t) {
    double step[3] = {rate, 1 - pow(beta1, t), 1 - pow(beta2, t)};
    jc_adamw_args a = {p.data(), g.data(), m.data(), v.data(), first, &one,   &decay,
                       step,     nullptr,  1,        beta1,    beta2, epsilon};
    g.at(0) = 0.2f + next();
    run(jc_adamw, a, "adamw");
    wanted_p *= 1 - rate * decay;
    wanted_m = beta1 * wanted_m + (1 - beta1) * g.at(0);
    wanted_v = beta2 * wanted_v + (1 - beta2) * g.at(0) * g.at(0);
    wanted_p -= rate / step[1] * wanted_m / (sqrt(wanted_v) / sqrt(step[2]) + epsilon);
    most = std::max(most, fabs(v.at(0) / wanted_v - 1));
  }
  expect(most <= 8e-6, "adamw: v drifts by " + std::to_string(most * 1e6) + "e-6");
  expect(fabs(m.at(0) - wanted_m) <= 20 * kUnit, "adamw: m drifts by " + std::to_string(m.at(0) - wanted_m));
  expect(fabs(p.at(0) / wanted_p - 1) <= 1e-5, "adamw: p drifts by " + std::to_string(p.at(0) / wanted_p - 1));
}

void test_adamw() {
  for (const std::vector<int64_t>& first :
       {std::vector<int64_t>{0}, {0, 0}, {0, 1}, {0, 0, 5, 5, 17, 48, 48}, {0, 16384, 16385, 40000, 100003, 100003}}) {
    test_adamw_case(first, 1, 0.5f, 1, 1e-6, 1e-3);
    test_adamw_case(first, 100, 1, 0.01, 1e-8, 1e-3);
  }
  std::vector<int64_t> first = {0, 7, 40, 100};
  test_adamw_case(first, 1e18f, 1e18f, 1, 1e-6, 1e-3);  // squares near the largest float
  test_adamw_case(first, 1e25f, 1, 1e-25, 1e-6, 1e-3);  // squares beyond it, but for the clipping
  test_adamw_case(first, 1e38f, 1, 1e-38, 1e-6, 1e-3);  // the clipping factor is near the smallest float
  test_adamw_case(first, 1e38f, 1, 1e-40, 1e-6, 1e-3);  // ... and below it
  test_adamw_case(first, 3e19f, 1e18f, 1, 1e-6, 1e-3);  // g^2 overflows, (1 - beta2) g^2 does not
  test_adamw_case(first, 1e-20f, 0, 1, 1e-6, 1e-3);     // squares are denormal
  test_adamw_case(first, 1e-42f, 0, 1, 1e-6, 1e-3);     // gradients are
  test_adamw_case(first, 0, 0, 1, 1e-6, 1e-3);
  test_adamw_case(first, 1, 1, 1, 1e-6, 0);  // learning rate 0: nothing moves but the moments
  test_adamw_long();
  Buffer x(100, kPlain, 1);
  double one[3] = {1, 1, 1};
  int64_t wrong[] = {0, 7, 3}, right[] = {0, 3, 7};
  jc_adamw_args a = {x.data(), x.data(), x.data(), x.data(), wrong, one, one, one, nullptr, 2, 0.9, 0.999, 1e-8};
  refuses(jc_adamw, a, "ascending");
  a.first = right, a.beta2 = 1;
  refuses(jc_adamw, a, "beta");
  a.beta2 = 0.9, a.v = nullptr;
  refuses(jc_adamw, a, "null");
}

}  // namespace

int main() {
  jc_threads(7);
  for (context.isa = JC_REF; context.isa <= jc_isa(); ++context.isa) {
    context.threads = 1;
    worst.clear();
    test_batch_norm();
    test_avg_pool_gradient();
    test_attention_pool_tokens_gradient();
    test_embedding_gradient();
    test_scatter_rows();
    test_column_sums();
    test_l2_normalize_gradient();
    test_elements();
    test_moving_average();
    test_gradient_norm();
    test_adamw();
    for (auto& [op, most] : worst)
      printf("%-6s %-36s largest error %.3f of its bound\n", kNames[context.isa], op.c_str(), most);
  }
  if (failures > 0) {
    printf("%d failures\n", failures);
    return 1;
  }
  printf("all operators agree with double precision and with themselves\n");
  return 0;
}
