#include "harness.h"

namespace test {
namespace {

enum class Kind { usual, saturated, faint, wide, broken };

struct Shape {
  int n, width, side;
  double scale;
  Kind kind;
};

const char* name_of(Kind k) {
  static const char* const kNames[] = {"", " saturated", " faint positives", " wide diagonal", " NaN feature"};
  return kNames[int(k)];
}

// Unit rows in bf16. Usual: cosines of the pairs about 0.3.
void features(const Shape& s, Random& random, std::vector<jc_bf16>& u, std::vector<jc_bf16>& t) {
  const double share = s.kind == Kind::saturated ? 1.0 : s.kind == Kind::faint ? 0.02 : 0.3;
  u.resize(size_t(s.n) * size_t(s.width));
  t.resize(u.size());
  std::vector<double> a(static_cast<size_t>(s.width)), b(a.size());
  for (int i = 0; i < s.n; ++i) {
    double na = 0, nb = 0;
    for (double& v : a) v = random.normal(), na += v * v;
    for (size_t k = 0; k < a.size(); ++k) {
      const double sign = s.kind == Kind::wide && i == 0 ? -1 : 1;
      b[k] = sign * share * a[k] + (1 - share) * random.normal();
      nb += b[k] * b[k];
    }
    for (size_t k = 0; k < a.size(); ++k) {
      u[size_t(i) * a.size() + k] = to_bf16(float(a[k] / std::sqrt(na)));
      t[size_t(i) * a.size() + k] = to_bf16(float(b[k] / std::sqrt(nb)));
    }
  }
  if (s.kind == Kind::broken) u[size_t(s.n / 2 * s.width + 3)] = 0x7fc0;
}

double cosine(const std::vector<jc_bf16>& u, const std::vector<jc_bf16>& t, int i, int j, int width) {
  double dot = 0;
  for (int k = 0; k < width; ++k)
    dot += double(value(u[size_t(i) * size_t(width) + size_t(k)])) *
           double(value(t[size_t(j) * size_t(width) + size_t(k)]));
  return dot;
}

// The scale as the kernels see it, and what an exponent may be off by: fp32 accumulation of width / 16 tensor-core
// steps.
double exponent_error(const Shape& s) { return s.scale * (s.width / 16) * 0x1p-24 + 4e-6; }

// Relative, beyond what terms below the smallest normal number may lose.
double sum_error(double got, double ref, int n) {
  const double difference = std::fabs(got - ref) - n * 1.2e-38;
  return difference <= 0 ? 0 : difference / ref;
}

struct Set {
  std::shared_ptr<Memory> u, t, loss, diagonal, rows, columns, status, workspace;
};

Problem forward(const Shape& s, const Options& o) {
  Random random(o.seed);
  std::vector<jc_bf16> u, t;
  features(s, random, u, t);
  Problem p;
  p.op = "contrastive_loss_bf16";
  p.shape = text("N%d D%d scale %g side %d%s", s.n, s.width, s.scale, s.side, name_of(s.kind));
  p.flops = 2.0 * s.n * s.n * s.width;
  p.bytes = 4.0 * s.n * s.width + 12.0 * s.n;
  const auto scale = p.input(std::vector<float>{float(s.scale)});
  jc_contrastive_loss_bf16_args a{};
  a.n = s.n, a.width = s.width, a.side = s.side;
  a.workspace_bytes = jc_contrastive_loss_bf16_workspace(nullptr, &a);
  std::vector<Set> sets;
  const size_t n = size_t(s.n);
  for (int i = 0; i < o.sets; ++i)
    sets.push_back({p.input(u), p.input(t), p.output<float>(1, i == 0), p.output<float>(n, i == 0),
                    p.output<float>(n, i == 0), p.output<float>(n, i == 0), p.output<int64_t>(1, i == 0),
                    p.output<char>(size_t(a.workspace_bytes), false)});
  p.run = [=](jc_context* context, int i) {
    const Set& x = sets[size_t(i)];
    if (i == 0) x.workspace->poison();
    const jc_contrastive_loss_bf16_args b{x.u->at<jc_bf16>(),
                                          x.t->at<jc_bf16>(),
                                          scale->at<float>(),
                                          x.loss->at<float>(),
                                          x.diagonal->at<float>(),
                                          x.rows->at<float>(),
                                          x.columns->at<float>(),
                                          x.status->at<int64_t>(),
                                          x.workspace->at(),
                                          a.workspace_bytes,
                                          s.n,
                                          s.width,
                                          s.side};
    return jc_contrastive_loss_bf16(context, &b);
  };
  p.compare = [=] {
    const Set& x = sets[0];
    const double loss = double(x.loss->download<float>()[0]);
    const int64_t status = x.status->download<int64_t>()[0];
    if (s.kind == Kind::broken)
      return std::vector<Measure>{{"status", std::fabs(double(status) - 2), 0},
                                  {"the loss is not a number", loss != loss ? 0.0 : 1.0, 0}};
    const auto diagonal = x.diagonal->download<float>(), rows = x.rows->download<float>(),
               columns = x.columns->download<float>();
    double ref = 0, row_error = 0, column_error = 0, diagonal_error = 0;
    const bool sampled = s.n > 5000;
    const int step = sampled ? s.n / 50 | 1 : 1;
    const double scale_value = double(float(s.scale));
    for (int i = 0; i < s.n; i += step) {
      const double zii = scale_value * cosine(u, t, i, i, s.width);
      double r = 0, c = 0;
      for (int j = 0; j < s.n; ++j) {
        if (j == i) continue;
        r += std::exp(scale_value * cosine(u, t, i, j, s.width) - zii);
        c += std::exp(scale_value * cosine(u, t, j, i, s.width) - zii);
      }
      ref += (std::log1p(r) + std::log1p(c)) / (2.0 * s.n);
      worst(diagonal_error, std::fabs(double(diagonal[size_t(i)]) - zii));
      worst(row_error, sum_error(double(rows[size_t(i)]), r, s.n));
      worst(column_error, sum_error(double(columns[size_t(i)]), c, s.n));
    }
    const double bound = exponent_error(s);
    std::vector<Measure> m{{"row sums, relative", row_error, 2 * bound},
                           {"column sums, relative", column_error, 3 * bound},
                           {"diagonal, absolute", diagonal_error, bound},
                           {"status", double(status), 0}};
    if (!sampled) m.push_back({"loss, relative", ref == 0 ? std::fabs(loss) : std::fabs(loss - ref) / ref, 2 * bound});
    return m;
  };
  return p;
}

struct Block {
  int row_first, rows, column_first, columns;
};

struct GradientSet {
  std::shared_ptr<Memory> u, t, g, part;
};

Problem gradient(const Shape& s, const Block& b, const Options& o) {
  Random random(o.seed);
  std::vector<jc_bf16> u, t;
  features(s, random, u, t);
  Problem p;
  p.op = "contrastive_loss_gradient_bf16";
  p.shape = text("N%d D%d scale %g rows %d+%d columns %d+%d%s", s.n, s.width, s.scale, b.row_first, b.rows,
                 b.column_first, b.columns, name_of(s.kind));
  p.flops = 2.0 * b.rows * b.columns * s.width;
  p.bytes = 2.0 * (b.rows + b.columns) * s.width + 2.0 * b.rows * b.columns;
  // Statistics in double: this operator's test does not lean on the forward. Large shapes sample rows and take a
  // plausible constant.
  const bool sampled = s.n > 5000;
  const size_t n = size_t(s.n);
  const double scale_value = double(float(s.scale));
  std::vector<float> diagonal(n), rows(n, 50.f), columns(n, 60.f);
  for (int i = 0; i < s.n; ++i) {
    diagonal[size_t(i)] = float(scale_value * cosine(u, t, i, i, s.width));
    if (sampled) continue;
    double r = 0, c = 0;
    for (int j = 0; j < s.n; ++j) {
      if (j == i) continue;
      r += std::exp(scale_value * cosine(u, t, i, j, s.width) - double(diagonal[size_t(i)]));
      c += std::exp(scale_value * cosine(u, t, j, i, s.width) - double(diagonal[size_t(i)]));
    }
    rows[size_t(i)] = float(r), columns[size_t(i)] = float(c);
  }
  const auto scale = p.input(std::vector<float>{float(s.scale)});
  const auto md = p.input(diagonal), mr = p.input(rows), mc = p.input(columns);
  const int64_t ldg = (b.columns + 7) / 8 * 8 + 8, parts = jc_contrastive_loss_gradient_parts(b.rows, b.columns);
  std::vector<GradientSet> sets;
  for (int i = 0; i < o.sets; ++i)
    sets.push_back({p.input(u), p.input(t), p.output<jc_bf16>(size_t(b.rows * ldg), i == 0),
                    p.output<double>(size_t(parts), i == 0)});
  p.run = [=](jc_context* context, int i) {
    const GradientSet& x = sets[size_t(i)];
    const jc_contrastive_loss_gradient_bf16_args a{x.u->at<jc_bf16>(),
                                                   x.t->at<jc_bf16>(),
                                                   scale->at<float>(),
                                                   md->at<float>(),
                                                   mr->at<float>(),
                                                   mc->at<float>(),
                                                   x.g->at<jc_bf16>(),
                                                   x.part->at<double>(),
                                                   s.n,
                                                   s.width,
                                                   b.row_first,
                                                   b.rows,
                                                   b.column_first,
                                                   b.columns,
                                                   ldg};
    return jc_contrastive_loss_gradient_bf16(context, &a);
  };
  p.compare = [=] {
    const auto g = sets[0].g->download<jc_bf16>();
    const auto part = sets[0].part->download<double>();
    double off = 0, on = 0, padding = 0, sum = 0, total = 0, size = 0;
    for (const double v : part) sum += v;
    const int step = sampled ? b.rows / 50 | 1 : 1;
    for (int r = 0; r < b.rows; r += step) {
      const int i = b.row_first + r;
      const double zii = double(diagonal[size_t(i)]), lse = zii + std::log1p(double(rows[size_t(i)]));
      Distance distance;
      for (int c = 0; c < b.columns; ++c) {
        const int j = b.column_first + c;
        const double zjj = double(diagonal[size_t(j)]), z = scale_value * cosine(u, t, i, j, s.width);
        const double got = double(value(g[size_t(r * ldg + c)]));
        if (i == j) {
          const double x = double(rows[size_t(i)]), y = double(columns[size_t(j)]), ref = -(x / (1 + x) + y / (1 + y));
          worst(on, ref == 0 ? std::fabs(got) : std::fabs(got - ref) / std::fabs(ref));
          continue;
        }
        const double a = std::exp(z - lse), d = std::exp(z - zjj - std::log1p(double(columns[size_t(j)])));
        distance.add(got, a + d);
        total += a * (z - zii) + d * (z - zjj);
        size += std::fabs(a * (z - zii)) + std::fabs(d * (z - zjj));
      }
      worst(off, distance.relative());
      for (int64_t c = b.columns; c < ldg; ++c)
        if (g[size_t(r * ldg + c)] != 0xffff) padding = 1;
    }
    std::vector<Measure> m{{"g off the diagonal, worst row", off, 0x1p-8 + 2 * exponent_error(s)},
                           {"g on the diagonal, relative", on, 0x1.02p-8},
                           {"padding untouched", padding, 0}};
    if (!sampled)
      m.push_back({"sum of g z, relative to its terms", size == 0 ? std::fabs(sum) : std::fabs(sum - total) / size,
                   2 * exponent_error(s)});
    return m;
  };
  return p;
}

}  // namespace

void add_contrastive_loss(Cases& cases) {
  auto add = [&](Shape s, bool large, bool mutates = false) {
    cases.push_back({"contrastive_loss_bf16", large, mutates, [=](const Options& o) { return forward(s, o); }});
  };
  for (int n : {1, 2, 127, 128, 129}) add({n, 64, 0, 14.3, Kind::usual}, false);
  add({300, 192, 0, 14.3, Kind::usual}, false);
  add({700, 64, 256, 100, Kind::usual}, false);
  add({530, 128, 256, 30, Kind::usual}, false, true);
  add({200, 64, 0, 100, Kind::saturated}, false);
  add({200, 128, 0, 100, Kind::faint}, false);
  add({150, 64, 0, 100, Kind::wide}, false);
  add({400, 64, 256, 14.3, Kind::usual}, false);
  add({150, 64, 0, 14.3, Kind::broken}, false);
  add({4096, 512, 0, 14.3, Kind::usual}, true);
  add({32768, 512, 0, 100, Kind::usual}, true);
  add({32768, 768, 0, 14.3, Kind::usual}, true);
  auto grad = [&](Shape s, Block b, bool large, bool mutates = false) {
    cases.push_back(
        {"contrastive_loss_gradient_bf16", large, mutates, [=](const Options& o) { return gradient(s, b, o); }});
  };
  grad({1, 64, 0, 14.3, Kind::usual}, {0, 1, 0, 1}, false);
  grad({130, 64, 0, 100, Kind::usual}, {0, 130, 0, 130}, false);
  grad({600, 128, 0, 14.3, Kind::usual}, {0, 600, 256, 200}, false, true);
  grad({300, 64, 0, 30, Kind::usual}, {16, 250, 100, 61}, false);
  grad({200, 64, 0, 100, Kind::saturated}, {0, 200, 0, 200}, false);
  grad({16384, 512, 0, 14.3, Kind::usual}, {0, 16384, 0, 16384}, true);
}

}  // namespace test
