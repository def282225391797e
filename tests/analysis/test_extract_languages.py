"""One realistic file per language: what is defined, used and imported in it."""

from __future__ import annotations

import pytest

from devflow.analysis.extract import extract
from devflow.analysis.facts import FileFacts
from devflow.analysis.text import Text

FILES = {
    "typescript": r"""
import fs, { readFile as read, join } from "node:fs";
import * as path from "path";
import type { Shape } from "./shape";
import "./setup";

// How many.
export const LIMIT = 10;

/** A cart of things. */
export class Cart<T extends Item> extends Base implements Shape {
  private items: T[] = [];
  constructor(private readonly name: string) { super(); this.total = 0; }

  /**
   * Adds a thing.
   */
  async add(item: T, count = 1): Promise<void> {
    const price = await item.price.of(count);
    this.items.push(item);
    this.client?.send(path.join(price));
  }
}

export interface Item { price: Price; tax(rate: number): number; }
type Pair = [number, number];
enum Color { Red, Green = 2 }
export const double = (x: number) => x * 2;
export default function main(args: string[]) { return new Cart("a"); }
namespace Util { export function deep() {} }
""",
    "javascript": r"""
const express = require("express");
import React, { useState } from "react";

/** Shows a button. */
export function Button({ label, onClick }) {
  const [count, setCount] = useState(0);
  return <Panel onClick={() => setCount(count + 1)}>{label.text}</Panel>;
}

class Store extends EventEmitter {
  size = 0;
  static create() { return new Store(); }
  #hidden() { this.cache = {}; }
}

Store.prototype.reset = function () { this.size = 0; };
module.exports = { Store };
""",
    "go": r"""
package shop

import (
	"fmt"
	m "math"
)

// Limit is how many.
const Limit = 10

var total int

// Cart holds things.
type Cart struct {
	Items []Item
	name  string
}

type Pricer interface {
	Price(count int) float64
}

// Add adds a thing.
func (c *Cart) Add(item Item, count int) error {
	price := item.Price(count)
	c.Items = append(c.Items, item)
	fmt.Println(m.Floor(price), c.name)
	return nil
}

func New(name string) *Cart { return &Cart{name: name} }
""",
    "java": r"""
package shop.cart;

import java.util.List;
import java.util.concurrent.*;

/**
 * A cart.
 */
@Entity
public class Cart extends Base implements Shape {
    private static final int LIMIT = 10;
    private List<Item> items;

    public Cart(String name) { this.name = name; }

    /** Adds. */
    @Override
    public double add(Item item, int count) throws IOException {
        double price = item.price(count);
        this.items.add(item);
        return Math.floor(price) + new Tax(count).rate();
    }
    enum Color { RED, GREEN }
    interface Pricer { double price(int count); }
}
""",
    "rust": r"""
use std::collections::HashMap;
use crate::model::{Item, Price as Cost};
use super::*;

/// How many.
const LIMIT: usize = 10;

/// A cart.
#[derive(Debug)]
pub struct Cart {
    items: Vec<Item>,
}

pub trait Pricer {
    fn price(&self, count: u32) -> f64;
}

impl Pricer for Cart {
    /// The price.
    fn price(&self, count: u32) -> f64 {
        let total = self.items.len();
        println!("{}", total);
        helper::tax(count) + Cart::new().rate()
    }
}

enum Color { Red, Green }
mod deep { pub fn inner() {} }
macro_rules! shout { () => {} }
""",
    "c": r"""
#include <stdio.h>
#include "cart.h"

#define LIMIT 10

/* A cart. */
struct cart {
    int size;
    struct item *items;
};

typedef struct { int x; } point_t;
enum color { RED, GREEN };

static int total = 0;

// Adds a thing.
static int *cart_add(struct cart *c, int count)
{
    int price = price_of(c->items, count);
    c->size += price;
    printf("%d\n", c->size);
    return &total;
}

int cart_size(const struct cart *c);
""",
    "cpp": r"""
#include <vector>
using namespace std;
using std::string;

namespace shop {

/// A cart.
template <typename T>
class Cart : public Base {
 public:
  Cart(int size) : size_(size) {}
  ~Cart();
  /// Adds.
  double add(const Item& item, int count) const { return item.price(count) * this->rate; }
  int size() const;
 private:
  int size_;
  std::vector<T> items_;
};

double Shop::total(int count) {
  auto cart = std::make_unique<Cart>(count);
  for (auto& item : items_) { cart->add(item); }
  return helper::tax(count);
}

enum class Color { Red };
using Price = double;
}
""",
    "csharp": r"""
using System;
using System.Collections.Generic;
using Json = Newtonsoft.Json.Linq;

namespace Shop
{
    /// <summary>A cart.</summary>
    public class Cart : Base, IShape
    {
        private readonly List<Item> items = new List<Item>();
        public string Name { get; set; }

        public Cart(string name) { Name = name; }

        /// <summary>Adds.</summary>
        [Obsolete]
        public double Add(Item item, int count = 1)
        {
            var price = item.Price(count);
            this.items.Add(item);
            return Math.Floor(price) + new Tax(count).Rate;
        }
    }
    interface IShape { double Area(); }
    enum Color { Red }
}
""",
    "ruby": r"""
require "json"
require_relative "model"

# A cart.
module Shop
  LIMIT = 10

  class Cart < Base
    attr_reader :name

    def initialize(name, size = 1, *rest, key: 2, &block)
      @name = name
      @items = []
    end

    # Adds a thing.
    def add(item)
      price = item.price(2)
      @items.push(item)
      Math.floor(price)
    end

    def self.create
      new("a")
    end
  end
end

def helper
  Shop::Cart.create
end
""",
}

SYMBOLS = {
    "typescript": """
constant LIMIT
class Cart
field Cart.items
constructor Cart.constructor
field Cart.name
field Cart.total
method Cart.add
interface Item
field Item.price
method Item.tax
type Pair
enum Color
constant Color.Red
constant Color.Green
function double
function main
module Util
function Util.deep
""",
    "javascript": """
variable express
function Button
class Store
field Store.size
method Store.create
method Store.#hidden
field Store.cache
method Store.reset
""",
    "go": """
constant Limit
variable total
struct Cart
field Cart.Items
field Cart.name
interface Pricer
method Pricer.Price
method Cart.Add
function New
""",
    "java": """
class Cart
constant Cart.LIMIT
field Cart.items
constructor Cart.Cart
method Cart.add
enum Cart.Color
constant Cart.Color.RED
constant Cart.Color.GREEN
interface Cart.Pricer
method Cart.Pricer.price
""",
    "rust": """
constant LIMIT
struct Cart
field Cart.items
interface Pricer
method Pricer.price
method Cart.price
enum Color
constant Color.Red
constant Color.Green
module deep
function deep.inner
function shout
""",
    "c": """
constant LIMIT
struct cart
field cart.size
field cart.items
type point_t
field point_t.x
enum color
constant color.RED
constant color.GREEN
variable total
function cart_add
function cart_size
""",
    "cpp": """
module shop
class shop.Cart
constructor shop.Cart.Cart
method shop.Cart.add
method shop.Cart.size
field shop.Cart.size_
field shop.Cart.items_
method shop.Shop.total
enum shop.Color
constant shop.Color.Red
type shop.Price
""",
    "csharp": """
module Shop
class Shop.Cart
field Shop.Cart.items
property Shop.Cart.Name
constructor Shop.Cart.Cart
method Shop.Cart.Add
interface Shop.IShape
method Shop.IShape.Area
enum Shop.Color
constant Shop.Color.Red
""",
    "ruby": """
module Shop
constant Shop.LIMIT
class Shop.Cart
constructor Shop.Cart.initialize
field Shop.Cart.@name
field Shop.Cart.@items
method Shop.Cart.add
method Shop.Cart.create
function helper
""",
}

# kind receiver.name in container
REFERENCES = {
    "typescript": """
type Item in Cart
call item.price~of in Cart.add
call this.items~push in Cart.add
call this.client~send in Cart.add
call Cart in main
""",
    "javascript": """
name useState in -
name setCount in Button
call useState in Button
call Panel in Button
call setCount in Button
attribute label~text in Button
name Panel in Button
type EventEmitter in Store
""",
    "go": """
type Item in Cart
type Item in Cart.Add
call item~Price in Cart.Add
attribute c~Items in Cart.Add
attribute c~Items in Cart.Add
call fmt~Println in Cart.Add
call m~Floor in Cart.Add
""",
    "java": """
type Override in Cart.add
call this.items~add in Cart.add
call Math~floor in Cart.add
call Tax in Cart.add
call rate in Cart.add
""",
    "rust": """
type Vec in Cart
call self.items~len in Cart.price
call println in Cart.price
call helper~tax in Cart.price
call Cart~new in Cart.price
""",
    "c": """
type cart in cart_add
call price_of in cart_add
attribute c~items in cart_add
call printf in cart_add
type cart in cart_size
""",
    "cpp": """
type Base in shop.Cart
call item~price in shop.Cart.add
type std~vector in shop.Cart
call std~make_unique in shop.Shop.total
call cart~add in shop.Shop.total
call helper~tax in shop.Shop.total
""",
    "csharp": """
type IShape in Shop.Cart
call item~Price in Shop.Cart.Add
call this.items~Add in Shop.Cart.Add
call Math~Floor in Shop.Cart.Add
call Tax in Shop.Cart.Add
attribute Rate in Shop.Cart.Add
""",
    "ruby": """
type Base in Shop.Cart
name price in Shop.Cart.add
call item~price in Shop.Cart.add
call @items~push in Shop.Cart.add
call Math~floor in Shop.Cart.add
name price in Shop.Cart.add
call Shop::Cart~create in helper
""",
}

IMPORTS = {
    "typescript": [
        ("node:fs", "default", "fs"),
        ("node:fs", "readFile", "read"),
        ("node:fs", "join", "join"),
        ("path", "", "path"),
        ("./shape", "Shape", "Shape"),
        ("./setup", "", ""),
    ],
    "javascript": [
        ("express", "", "express"),
        ("react", "default", "React"),
        ("react", "useState", "useState"),
    ],
    "go": [("fmt", "", ""), ("math", "", "m")],
    "java": [("java.util", "List", "List"), ("java.util.concurrent", "*", "")],
    "rust": [
        ("std::collections", "HashMap", "HashMap"),
        ("crate::model", "Item", "Item"),
        ("crate::model", "Price", "Cost"),
        ("super", "*", ""),
    ],
    "c": [("stdio.h", "", ""), ("cart.h", "", "")],
    "cpp": [("vector", "", ""), ("std", "", ""), ("std", "string", "string")],
    "csharp": [
        ("System", "", ""),
        ("System.Collections.Generic", "", ""),
        ("Newtonsoft.Json.Linq", "", "Json"),
    ],
    "ruby": [("json", "", ""), ("model", "", "")],
}

SIGNATURES_AND_DOCS = [
    ("typescript", "Cart", "class Cart<T extends Item> extends Base implements Shape", "A cart of things."),
    ("typescript", "Cart.add", "async add(item: T, count = 1): Promise<void>", "Adds a thing."),
    ("javascript", "Button", "function Button({ label, onClick })", "Shows a button."),
    ("go", "Cart", "type Cart struct", "Cart holds things."),
    ("go", "Cart.Add", "func (c *Cart) Add(item Item, count int) error", "Add adds a thing."),
    ("java", "Cart", "@Entity public class Cart extends Base implements Shape", "A cart."),
    ("java", "Cart.add", "@Override public double add(Item item, int count) throws IOException", "Adds."),
    ("rust", "Cart", "pub struct Cart", "A cart."),
    ("rust", "Cart.price", "fn price(&self, count: u32) -> f64", "The price."),
    ("c", "cart", "struct cart", "A cart."),
    ("c", "cart_add", "static int *cart_add(struct cart *c, int count)", "Adds a thing."),
    ("cpp", "shop.Cart", "class Cart : public Base", "A cart."),
    ("cpp", "shop.Cart.add", "double add(const Item& item, int count) const", "Adds."),
    ("csharp", "Shop.Cart", "public class Cart : Base, IShape", "A cart."),
    ("csharp", "Shop.Cart.Add", "[Obsolete] public double Add(Item item, int count = 1)", "Adds."),
    ("ruby", "Shop.Cart.add", "def add(item)", "Adds a thing."),
]


def facts_of(language: str) -> FileFacts:
    return extract(Text(FILES[language].removeprefix("\n")), language)


@pytest.mark.parametrize("language", FILES)
def test_definitions_are_found_with_kind_and_container(language: str) -> None:
    found = [f"{symbol.kind.value} {symbol.qualified_name}" for symbol in facts_of(language).symbols]
    assert found == SYMBOLS[language].strip().split("\n")


@pytest.mark.parametrize("language", FILES)
def test_names_lie_where_the_symbol_says(language: str) -> None:
    facts = facts_of(language)
    source = FILES[language].removeprefix("\n")
    for symbol in facts.symbols:
        assert source[symbol.name_start : symbol.name_end] == symbol.name
        assert symbol.start <= symbol.name_start <= symbol.name_end <= symbol.end
    for use in facts.references:
        assert source[use.start : use.end] == use.name


@pytest.mark.parametrize("language", FILES)
def test_uses_have_kind_receiver_and_container(language: str) -> None:
    wanted = REFERENCES[language].strip().split("\n")
    names = {line.split(" ")[1].rpartition("~")[2] for line in wanted}
    found = [
        f"{use.kind.value} {use.receiver + '~' if use.receiver else ''}{use.name} in {use.container or '-'}"
        for use in facts_of(language).references
        if use.name in names
    ]
    assert found == wanted


@pytest.mark.parametrize("language", FILES)
def test_imports_have_module_name_and_alias(language: str) -> None:
    found = [(found.module, found.name, found.alias) for found in facts_of(language).imports]
    assert found == IMPORTS[language]


@pytest.mark.parametrize(("language", "name", "signature", "doc"), SIGNATURES_AND_DOCS)
def test_a_definition_has_signature_and_documentation(
    language: str, name: str, signature: str, doc: str
) -> None:
    [symbol] = [symbol for symbol in facts_of(language).symbols if symbol.qualified_name == name]
    assert (symbol.signature, symbol.doc) == (signature, doc)


def test_tsx_has_types_and_elements() -> None:
    source = "export const Card = ({ title }: Props): JSX.Element => <Panel>{title.text}</Panel>;\n"
    facts = extract(Text(source), "tsx")
    assert [(symbol.name, symbol.kind.value) for symbol in facts.symbols] == [("Card", "function")]
    kinds = {use.name: use.kind.value for use in reversed(facts.references)}
    assert (kinds["Props"], kinds["Panel"], kinds["text"]) == ("type", "call", "attribute")


@pytest.mark.parametrize("language", FILES)
def test_every_prefix_of_a_file_is_read_without_an_error(language: str) -> None:
    source = FILES[language]
    for end in range(0, len(source), 37):
        extract(Text(source[:end]), language)


def test_each_type_of_a_go_group_is_one_of_its_own() -> None:
    text = "package m\n\ntype (\n\t// A is a.\n\tA struct{ x int }\n\tB interface{ Do() }\n\tF func(a A)\n)\n"
    found = extract(Text(text), "go").symbols
    assert [each.qualified_name for each in found] == ["A", "A.x", "B", "B.Do", "F"]
    assert (found[0].signature, found[0].doc) == ("A struct", "A is a.")
