// Times the gradients of the products, and products in bf16, against the forward product in fp32 of the same sizes, in turns with it.
// usage: jclip_time_product_gradients [threads] [part of a line's name]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "jclip.h"

namespace {

jc_context context;
const char* filter = "";
bool one_thread = true;

// One thread's own time, so that neighbours on a busy machine count less; wall time for several.
double seconds() {
  timespec t;
  clock_gettime(one_thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void check(int32_t status) {
  if (status == JC_OK) return;
  fprintf(stderr, "%s\n", context.message);
  exit(1);
}

class Buffer {
 public:
  explicit Buffer(int64_t count) : data_(static_cast<float*>(aligned_alloc(64, (count * 4 + 127) / 64 * 64))) {
    uint32_t state = 1;
    for (int64_t i = 0; i < count; ++i) {
      state = state * 1664525u + 1013904223u;
      data_[i] = static_cast<float>(static_cast<int32_t>(state)) * 4.6e-10f;
    }
  }
  ~Buffer() { free(data_); }
  Buffer(const Buffer&) = delete;
  operator float*() { return data_; }

 private:
  float* data_;
};

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

// Rates of both, and the median of their ratios turn by turn.
void report(const std::string& name, double flops, const std::function<void()>& product,
            const std::function<void()>& gradient) {
  auto once = [](const std::function<void()>& f) {
    double t = seconds();
    f();
    return seconds() - t;
  };
  product(), gradient();
  std::vector<double> ratios, product_rates, rates;
  int64_t turns = std::min<int64_t>(41, std::max<int64_t>(7, static_cast<int64_t>(1.0 / once(gradient))));
  for (int64_t i = 0; i < turns; ++i) {
    double a = once(product), b = once(gradient);
    product_rates.push_back(flops / a * 1e-9), rates.push_back(flops / b * 1e-9), ratios.push_back(a / b);
  }
  printf("%-44s %7.1f GFLOP/s, forward %7.1f, ratio %.2f\n", name.c_str(), median(rates), median(product_rates),
         median(ratios));
  fflush(stdout);
}

std::string text(const char* format, int64_t a, int64_t b, int64_t c, int64_t d = 0, int64_t e = 0) {
  char out[128];
  snprintf(out, sizeof out, format, long(a), long(b), long(c), long(d), long(e));
  return out;
}

// The forward product of `precision`, y = a w^T.
struct Forward {
  Buffer w, packed, a, y, workspace;
  jc_gemm_args args{};
  static int64_t workspace_floats(int64_t rows, int64_t n, int64_t k, int64_t precision) {
    jc_gemm_args g{};
    g.rows = rows, g.n = n, g.k = k, g.precision = precision;
    return jc_gemm_workspace(&context, &g) / 4;
  }
  Forward(int64_t rows, int64_t n, int64_t k, int64_t precision)
      : w(n * k),
        packed(jc_gemm_packed_bytes(&context, n, k) / 4),
        a(rows * k),
        y(rows * n),
        workspace(workspace_floats(rows, n, k, precision)) {
    jc_gemm_pack_args pack{w, packed, n, k, k, 1, precision};
    check(jc_gemm_pack(&context, &pack));
    args.a = a, args.packed = packed, args.y = y, args.workspace = workspace;
    args.rows = rows, args.n = n, args.k = k, args.lda = k, args.ldy = n, args.precision = precision;
    args.workspace_bytes = jc_gemm_workspace(&context, &args);
  }
  void run() { check(jc_gemm(&context, &args)); }
};

void time_gemm(int64_t rows, int64_t n, int64_t k) {
  std::string sizes = text("%ldx%ldx%ld", rows, n, k);
  double flops = 2.0 * double(rows * n * k);
  Forward forward(rows, n, k, JC_F32);
  Buffer dw(n * k), d_bias(n);
  jc_gemm_weight_gradient_args args{};
  args.dy = forward.y, args.x = forward.a, args.dw = dw, args.d_bias = d_bias;
  args.rows = rows, args.n = args.ldy = n, args.k = args.ldx = args.ldw = k;
  for (int64_t precision : {JC_F32, JC_BF16}) {
    if (precision == JC_BF16 && jc_bf16(&context) == 0) continue;
    std::string name = (precision == JC_BF16 ? "bf16 gemm_weight_gradient " : "gemm_weight_gradient ") + sizes;
    if (name.find(filter) == std::string::npos) continue;
    args.precision = precision;
    args.workspace_bytes = jc_gemm_weight_gradient_workspace(&context, &args);
    Buffer workspace(args.workspace_bytes / 4);
    args.workspace = workspace;
    report(
        name, flops, [&] { forward.run(); }, [&] { check(jc_gemm_weight_gradient(&context, &args)); });
  }
  std::string name = "bf16 gemm " + sizes;
  if (jc_bf16(&context) == 0 || name.find(filter) == std::string::npos) return;
  Forward rounded(rows, n, k, JC_BF16);
  report(
      name, flops, [&] { forward.run(); }, [&] { rounded.run(); });
}

void time_conv2d(int64_t batch, int64_t size, int64_t channels, int64_t out, int64_t kernel, int64_t stride,
                 bool nchw) {
  int64_t padding = kernel == stride ? 0 : kernel / 2, out_size = (size + 2 * padding - kernel) / stride + 1;
  std::string sizes =
      text("b%ld %ldx%ld %ld->%ld", batch, size, size, channels, out) + text(" k%ld s%ld", kernel, stride, 0);
  double flops = 2.0 * double(batch * out_size * out_size * out * channels * kernel * kernel);
  Buffer w(out * channels * kernel * kernel), x(batch * size * size * channels), y(batch * out_size * out_size * out);
  Buffer packed(jc_conv2d_packed_bytes(&context, out, channels, kernel) / 4);
  jc_conv2d_pack_args pack{w, packed, out, channels, kernel, 0};
  check(jc_conv2d_pack(&context, &pack));
  jc_conv2d_args f{};
  f.x = x, f.packed = packed, f.y = y;
  f.batch = batch, f.height = size, f.width = size, f.channels = channels, f.x_batch = size * size * channels;
  f.x_row = nchw ? size : size * channels, f.x_column = nchw ? 1 : channels, f.x_channel = nchw ? size * size : 1;
  f.out_channels = out, f.kernel = kernel, f.stride = stride, f.padding = padding;
  f.workspace_bytes = jc_conv2d_workspace(&context, &f);
  Buffer forward_workspace(f.workspace_bytes / 4);
  f.workspace = forward_workspace;
  auto forward = [&] { check(jc_conv2d(&context, &f)); };

  std::string name = "conv2d_weight_gradient " + sizes;
  jc_conv2d_weight_gradient_args g{};
  g.dy = y, g.x = x, g.dw = w;
  g.batch = batch, g.height = size, g.width = size, g.channels = channels, g.x_batch = f.x_batch, g.x_row = f.x_row;
  g.x_column = f.x_column, g.x_channel = f.x_channel, g.dy_batch = out_size * out_size * out, g.out_channels = out;
  g.kernel = kernel, g.stride = stride, g.padding = padding;
  g.workspace_bytes = jc_conv2d_weight_gradient_workspace(&context, &g);
  Buffer workspace(g.workspace_bytes / 4);
  g.workspace = workspace;
  if (name.find(filter) != std::string::npos) {
    report(name, flops, forward, [&] { check(jc_conv2d_weight_gradient(&context, &g)); });
  }

  name = "conv2d_data_gradient " + sizes;
  if (nchw || name.find(filter) == std::string::npos) return;
  Buffer flipped(jc_conv2d_packed_bytes(&context, channels, out, kernel) / 4);
  pack.packed = flipped, pack.gradient = 1;
  check(jc_conv2d_pack(&context, &pack));
  jc_conv2d_data_gradient_args d{};
  d.dy = y, d.packed = flipped, d.dx = x, d.batch = batch, d.height = size, d.width = size, d.channels = channels;
  d.out_channels = out, d.kernel = kernel, d.stride = stride, d.padding = padding;
  d.workspace_bytes = jc_conv2d_data_gradient_workspace(&context, &d);
  Buffer data_workspace(d.workspace_bytes / 4);
  d.workspace = data_workspace;
  report(name, flops, forward, [&] { check(jc_conv2d_data_gradient(&context, &d)); });
}

}  // namespace

int main(int count, char** words) {
  int64_t threads = count > 1 ? atol(words[1]) : 1;
  if (count > 2) filter = words[2];
  const char* forced = getenv("JCLIP_ISA");
  context.isa = jc_isa();
  if (forced != nullptr && strcmp(forced, "avx2") == 0) context.isa = JC_AVX2;
  jc_threads(threads);
  one_thread = threads == 1;
  printf("isa %ld, %ld thread(s)\n", long(context.isa), long(threads));
  const int64_t shapes[][3] = {{800, 768, 768},   {800, 2304, 768}, {800, 3072, 768}, {800, 768, 3072},
                               {8320, 576, 192},  {8320, 192, 192}, {8320, 768, 192}, {8320, 192, 768},
                               {4096, 576, 192},  {4096, 192, 192}, {4096, 768, 192}, {4096, 192, 768},
                               {1232, 2048, 512}, {16, 512, 768}};
  for (auto& s : shapes) time_gemm(s[0], s[1], s[2]);
  time_conv2d(16, 224, 3, 32, 3, 2, true);
  time_conv2d(16, 224, 3, 768, 32, 32, true);
  time_conv2d(128, 64, 3, 192, 8, 8, true);
  time_conv2d(4, 112, 32, 32, 3, 1, false);
  time_conv2d(4, 112, 32, 64, 3, 1, false);
  time_conv2d(16, 56, 64, 64, 3, 1, false);
  time_conv2d(16, 28, 128, 128, 3, 1, false);
  time_conv2d(16, 14, 256, 256, 3, 1, false);
  time_conv2d(16, 7, 512, 512, 3, 1, false);
  time_conv2d(4, 56, 64, 256, 1, 1, false);
  time_conv2d(16, 14, 1024, 256, 1, 1, false);
  return 0;
}
