"""One small file in each language, all of the same shape: a class and one that extends it, a function that a
method and a test call, a comment with an address."""

from __future__ import annotations

SAMPLES: dict[str, tuple[str, str]] = {
    "python": (
        "sample.py",
        '''# See https://example.com/doc
import os


class Shape:
    """A shape."""

    def area(self, scale):
        return scale


class Circle(Shape):
    def area(self, scale):
        return total(scale, 2)


def total(first, second):
    """Add two numbers."""
    return first + second


def test_total():
    value = Circle()
    result = total(1, 2)
    return value, result, os
''',
    ),
    "typescript": (
        "sample.ts",
        """// See https://example.com/doc
class Shape {
  area(scale: number): number {
    return scale;
  }
}

class Circle extends Shape {
  area(scale: number): number {
    return total(scale, 2);
  }
}

/** Add two numbers. */
function total(first: number, second: number): number {
  return first + second;
}

function testTotal(): number {
  const value = new Circle();
  const result = total(1, 2);
  return result + value.area(1);
}
""",
    ),
    "go": (
        "sample.go",
        """// See https://example.com/doc
package sample

type Shape interface {
	Area(scale int) int
}

type Circle struct {
	Shape
	Radius int
}

func (c Circle) Area(scale int) int {
	return total(scale, 2)
}

// Add two numbers.
func total(first int, second int) int {
	return first + second
}

func TestTotal() int {
	value := Circle{}
	result := total(1, 2)
	return result + value.Area(1)
}
""",
    ),
    "java": (
        "Sample.java",
        """// See https://example.com/doc
class Shape {
    int area(int scale) {
        return scale;
    }
}

class Circle extends Shape {
    int area(int scale) {
        return total(scale, 2);
    }

    /** Add two numbers. */
    static int total(int first, int second) {
        return first + second;
    }

    int testTotal() {
        Circle value = new Circle();
        int result = total(1, 2);
        return result + value.area(1);
    }
}
""",
    ),
    "rust": (
        "sample.rs",
        """// See https://example.com/doc
trait Shape {
    fn area(&self, scale: i32) -> i32;
}

struct Circle {
    radius: i32,
}

impl Shape for Circle {
    fn area(&self, scale: i32) -> i32 {
        total(scale, 2)
    }
}

/// Add two numbers.
fn total(first: i32, second: i32) -> i32 {
    first + second
}

fn test_total() -> i32 {
    let value = Circle { radius: 1 };
    let result = total(1, 2);
    result + value.area(1)
}
""",
    ),
    "cpp": (
        "sample.cpp",
        """// See https://example.com/doc
// Add two numbers.
int total(int first, int second) {
  return first + second;
}

class Shape {
 public:
  virtual int area(int scale) {
    return scale;
  }
};

class Circle : public Shape {
 public:
  int area(int scale) {
    return total(scale, 2);
  }
};

int test_total() {
  Circle value;
  int result = total(1, 2);
  return result + value.area(1);
}
""",
    ),
    "csharp": (
        "Sample.cs",
        """// See https://example.com/doc
class Shape {
    public virtual int Area(int scale) {
        return scale;
    }
}

class Circle : Shape {
    public override int Area(int scale) {
        return total(scale, 2);
    }

    /// Add two numbers.
    static int total(int first, int second) {
        return first + second;
    }

    int TestTotal() {
        var value = new Circle();
        var result = total(1, 2);
        return result + value.Area(1);
    }
}
""",
    ),
    "ruby": (
        "sample.rb",
        """# See https://example.com/doc
class Shape
  def area(scale)
    scale
  end
end

class Circle < Shape
  def area(scale)
    total(scale, 2)
  end
end

# Add two numbers.
def total(first, second)
  first + second
end

def test_total
  value = Circle.new
  result = total(1, 2)
  result + value.area(1)
end
""",
    ),
}
