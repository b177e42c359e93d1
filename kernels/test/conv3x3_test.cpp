#include "harness.h"

namespace test {
namespace {

struct Shape {
  int batch, height, width, channels, out_channels;
  bool bias, relu;
};

struct Set {
  std::shared_ptr<Memory> x, y;
};

Problem conv3x3(const Shape& s, const Options& o) {
  Random random(o.seed);
  const size_t pixels = size_t(s.batch) * size_t(s.height) * size_t(s.width), depth = 9 * size_t(s.channels);
  const auto x = normals<jc_bf16>(pixels * size_t(s.channels), 1.0, random);
  const auto w = normals<jc_bf16>(size_t(s.out_channels) * depth, 1 / std::sqrt(double(depth)), random);
  const auto bias = normals<float>(size_t(s.out_channels), 0.5, random);
  Problem p;
  p.op = "conv3x3_bf16";
  p.shape = text("B%d %dx%d %d->%d%s%s", s.batch, s.height, s.width, s.channels, s.out_channels,
                 s.bias ? " + bias" : "", s.relu ? " + relu" : "");
  p.flops = 2.0 * double(pixels) * double(depth) * s.out_channels;
  p.bytes = 2.0 * double(pixels) * (s.channels + s.out_channels) + 2.0 * double(depth) * s.out_channels;
  const auto mw = p.input(w);
  const auto mb = p.input(bias);
  std::vector<Set> sets;
  for (int i = 0; i < o.sets; ++i)
    sets.push_back({p.input(x), p.output<jc_bf16>(pixels * size_t(s.out_channels), i == 0)});
  p.run = [=](jc_context* context, int i) {
    const jc_conv3x3_bf16_args a{sets[size_t(i)].x->at<jc_bf16>(),
                                 mw->at<jc_bf16>(),
                                 s.bias ? mb->at<float>() : nullptr,
                                 sets[size_t(i)].y->at<jc_bf16>(),
                                 s.batch,
                                 s.height,
                                 s.width,
                                 s.channels,
                                 s.out_channels,
                                 s.relu ? JC_RELU : JC_IDENTITY};
    return jc_conv3x3_bf16(context, &a);
  };
  p.compare = [=] {
    const auto y = sets[0].y->download<jc_bf16>();
    double error = 0;
    const size_t step = pixels > 20000 ? pixels / 400 | 1 : 1;
    for (size_t pixel = 0; pixel < pixels; pixel += step) {
      const int column = int(pixel % size_t(s.width)), row = int(pixel / size_t(s.width) % size_t(s.height));
      Distance distance;
      for (int out = 0; out < s.out_channels; ++out) {
        double sum = s.bias ? double(bias[size_t(out)]) : 0;
        for (int tap = 0; tap < 9; ++tap) {
          const int dy = tap / 3 - 1, dx = tap % 3 - 1;
          if (row + dy < 0 || row + dy >= s.height || column + dx < 0 || column + dx >= s.width) continue;
          const size_t from = size_t(int64_t(pixel) + dy * s.width + dx) * size_t(s.channels);
          const size_t weight = size_t(out) * depth + size_t(tap) * size_t(s.channels);
          for (size_t c = 0; c < size_t(s.channels); ++c)
            sum += double(value(x[from + c])) * double(value(w[weight + c]));
        }
        if (s.relu) sum = std::max(sum, 0.0);
        distance.add(double(value(y[pixel * size_t(s.out_channels) + size_t(out)])), sum);
      }
      worst(error, distance.relative());
    }
    // One rounding of each result to bf16, at most 2^-8; the fp32 sum of 9 channels terms adds less than 1e-5 of the
    // row's length.
    return std::vector<Measure>{{"y, worst pixel", error, 0x1p-8 + 1e-5}};
  };
  return p;
}

}  // namespace

void add_conv3x3(Cases& cases) {
  auto add = [&](Shape s, bool large, bool mutates = false) {
    cases.push_back({"conv3x3_bf16", large, mutates, [=](const Options& o) { return conv3x3(s, o); }});
  };
  add({1, 1, 1, 8, 8, false, false}, false);
  add({2, 5, 7, 8, 16, true, false}, false);
  add({1, 9, 3, 24, 40, true, true}, false);
  add({3, 7, 7, 32, 64, true, true}, false);
  add({2, 8, 9, 64, 72, true, false}, false);
  add({1, 3, 50, 40, 136, false, true}, false);
  add({1, 12, 12, 128, 128, true, true}, false, true);
  add({2, 9, 9, 64, 32, true, true}, false, true);
  for (const auto& [c, size] : {std::pair{64, 56}, {128, 56}, {128, 28}, {256, 14}, {512, 7}})
    add({256, size, size, c, c, true, true}, true);
  add({256, 112, 112, 32, 64, true, true}, true);
}

}  // namespace test
